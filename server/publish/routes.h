// What is served at which path.
#ifndef SEALWARD_SERVER_PUBLISH_ROUTES_H_
#define SEALWARD_SERVER_PUBLISH_ROUTES_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/publish/cache.h"
#include "server/publish/http_message.h"

namespace sealward::publish {

// PublicRoutes is what the public listener needs.
struct PublicRoutes {
  DocumentCache* documents = nullptr;  // outlives the handler
  // OK while the server can do its work. The reason is not shown to callers.
  std::function<absl::Status()> ready;
  // Told the HTTP status of each answer to a request for a document. May be empty.
  std::function<void(int)> count;
};

// The handler of the public listener:
//
//   /tenants/{tenant}/issuers/{issuer}/jwks.json                          JWKS
//   /tenants/{tenant}/issuers/{issuer}/.well-known/openid-configuration   discovery
//   /livez    200 while the process runs
//   /readyz   200, or 503
//
// Everything else is 404. So are an issuer or tenant that does not exist and an
// issuer without a published key, with the same bytes: who exists is told to
// nobody.
HttpHandler MakePublicHandler(PublicRoutes routes);

// MetricsRoutes is what the metrics listener needs.
struct MetricsRoutes {
  std::function<bool(absl::string_view principal)> allowed;
  std::function<std::string()> text;  // Prometheus text format 0.0.4
};

// The handler of the metrics listener: /metrics, or 403 for a principal that is
// not allowed, whatever the path. Everything else is 404.
HttpHandler MakeMetricsHandler(MetricsRoutes routes);

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_ROUTES_H_
