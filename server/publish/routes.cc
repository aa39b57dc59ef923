#include "server/publish/routes.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/resource_name.h"

namespace sealward::publish {
namespace {

struct DocumentRoute {
  absl::string_view suffix;
  DocumentKind kind;
  absl::string_view content_type;  // RFC 7517 section 8.5.2; OpenID Connect Discovery 4.2
};
constexpr DocumentRoute kDocumentRoutes[] = {
    {"/jwks.json", DocumentKind::kJwks, "application/jwk-set+json"},
    {"/.well-known/openid-configuration", DocumentKind::kDiscovery, "application/json"},
};

HttpResponse NotFound() { return PlainText(404, "not found"); }

HttpResponse Serve(DocumentCache& documents, absl::string_view issuer_name,
                   const DocumentRoute& route) {
  // A name that does not parse cannot be in the catalog; asked first, so that
  // nothing odd gets any further.
  if (!IssuerName::Parse(issuer_name).ok()) return NotFound();
  const auto document = documents.Get(issuer_name, route.kind);
  if (!document.ok()) {
    return absl::IsNotFound(document.status()) ? NotFound() : PlainText(500, "internal error");
  }
  HttpResponse response;
  response.content_type = std::string(route.content_type);
  response.body = (*document)->body;
  response.etag = (*document)->etag;
  response.cache_control =
      absl::StrCat("public, max-age=", absl::ToInt64Seconds((*document)->max_age));
  response.any_origin = true;
  return response;
}

HttpResponse Readiness(const std::function<absl::Status()>& ready) {
  return ready().ok() ? PlainText(200, "ready") : PlainText(503, "not ready");
}

HttpResponse Route(const PublicRoutes& routes, const HttpRequest& request) {
  if (request.path == "/livez") return PlainText(200, "alive");
  if (request.path == "/readyz") return Readiness(routes.ready);
  for (const DocumentRoute& route : kDocumentRoutes) {
    absl::string_view name = request.path;
    if (!absl::ConsumePrefix(&name, "/") || !absl::ConsumeSuffix(&name, route.suffix)) continue;
    HttpResponse response =
        ApplyConditions(Serve(*routes.documents, name, route), request.if_none_match);
    if (routes.count) routes.count(response.status);
    return response;
  }
  return NotFound();
}

}  // namespace

HttpHandler MakePublicHandler(PublicRoutes routes) {
  return
      [routes = std::move(routes)](const HttpRequest& request) { return Route(routes, request); };
}

HttpHandler MakeMetricsHandler(MetricsRoutes routes) {
  return [routes = std::move(routes)](const HttpRequest& request) {
    if (!routes.allowed(request.principal)) return PlainText(403, "forbidden");
    if (request.path != "/metrics") return NotFound();
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = routes.text();
    return response;
  };
}

}  // namespace sealward::publish
