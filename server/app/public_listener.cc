#include "server/app/public_listener.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "server/publish/routes.h"

namespace sealward::app {
namespace {

// A handler that is known only when the port is: the documents name the URL.
struct LateHandler {
  absl::Notification set;
  publish::HttpHandler handler;

  publish::HttpResponse operator()(const publish::HttpRequest& request) {
    if (!set.HasBeenNotified()) return publish::PlainText(503, "starting");
    return handler(request);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<PublicListener>> PublicListener::Start(
    const Config::Https& config, const catalog::Catalog* catalog, telemetry::Metrics* metrics,
    const Clocks& clocks, std::function<absl::Status()> ready) {
  publish::HttpsOptions options;
  options.listen = config.listen;
  options.certificate_path = config.certificate;
  options.private_key_path = config.private_key;
  auto late = std::make_shared<LateHandler>();
  auto server = publish::HttpsServer::Start(
      std::move(options), [late](const publish::HttpRequest& request) { return (*late)(request); },
      clocks.system);
  if (!server.ok()) return server.status();

  std::unique_ptr<PublicListener> listener(new PublicListener);
  listener->server_ = *std::move(server);
  listener->public_url_ = config.public_url.empty()
                              ? absl::StrCat("https://localhost:", listener->server_->port())
                              : std::string(absl::StripSuffix(config.public_url, "/"));
  listener->documents_ = std::make_unique<publish::DocumentCache>(
      [catalog] { return catalog->Get(); }, clocks.lifecycle, listener->public_url_);
  publish::PublicRoutes routes;
  routes.documents = listener->documents_.get();
  routes.ready = std::move(ready);
  routes.count = [metrics](int status) { metrics->CountJwksRequest(status); };
  late->handler = publish::MakePublicHandler(std::move(routes));
  late->set.Notify();
  return listener;
}

}  // namespace sealward::app
