// The listener for validators: JWKS, discovery, and whether we live.
#ifndef SEALWARD_SERVER_APP_PUBLIC_LISTENER_H_
#define SEALWARD_SERVER_APP_PUBLIC_LISTENER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/app/config.h"
#include "server/catalog/catalog.h"
#include "server/publish/cache.h"
#include "server/publish/https_server.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// PublicListener serves what anybody may see. It needs no HSM.
class PublicListener {
 public:
  // Clocks is the system's, for the Date of an answer, and lifecycle time, which says
  // what is published.
  struct Clocks {
    const Clock* system = nullptr;
    const Clock* lifecycle = nullptr;
  };

  // REQUIRES: the pointers outlive it. `ready` answers /readyz; any thread.
  // Errors as publish::HttpsServer::Start.
  static absl::StatusOr<std::unique_ptr<PublicListener>> Start(const Config::Https& config,
                                                               const catalog::Catalog* catalog,
                                                               telemetry::Metrics* metrics,
                                                               const Clocks& clocks,
                                                               std::function<absl::Status()> ready);

  // What the JWKS URLs begin with: as configured, else https://localhost:<port>.
  const std::string& public_url() const { return public_url_; }

  publish::HttpsServer* server() { return server_.get(); }

  void Stop(absl::Duration deadline) { server_->Stop(deadline); }

 private:
  PublicListener() = default;

  std::string public_url_;
  std::unique_ptr<publish::DocumentCache> documents_;
  std::unique_ptr<publish::HttpsServer> server_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_PUBLIC_LISTENER_H_
