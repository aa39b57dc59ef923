// The server's certificates and the CAs it trusts, kept up to date.
#ifndef SEALWARD_SERVER_APP_TLS_KEEPER_H_
#define SEALWARD_SERVER_APP_TLS_KEEPER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/staged_file.h"
#include "grpcpp/security/server_credentials.h"
#include "server/app/config.h"
#include "server/app/tls_files.h"
#include "server/auth/identity_reader.h"
#include "server/catalog/catalog.h"
#include "server/decisions/record.h"
#include "server/publish/https_server.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// How often files and catalog are looked at. With gRPC's own second, a change
// reaches new connections within four seconds.
inline constexpr absl::Duration kTlsPollInterval = absl::Seconds(2);

// TlsKeeper holds the last good certificates and bundles of the files that the
// configuration names, and takes over new ones as they appear, without a restart.
// What is bad is not taken over: the last good state goes on serving, with an
// alarm (tls_reload_failed) once for each new fault and a gauge
// (sealward_tls_reload_failing) until it is gone. A file that is half written is a
// fault of one poll.
class TlsKeeper {
 public:
  // REQUIRES: all outlive it.
  struct Sources {
    const catalog::Catalog* catalog = nullptr;
    const Clock* clock = nullptr;
    telemetry::Metrics* metrics = nullptr;
    decisions::DecisionSink* decisions = nullptr;  // for refused handshakes
  };

  // Reads everything. INVALID_ARGUMENT names the file and what is wrong with it. A
  // certificate that is not valid now is an alarm and no error: a server that
  // starts late at night still serves those who can bear it.
  static absl::StatusOr<std::unique_ptr<TlsKeeper>> Open(const Config& config,
                                                         const Sources& sources);
  // Stops.
  ~TlsKeeper();

  auth::IdentityReader* identities() { return &identities_; }

  // For the gRPC listeners. REQUIRES: they end before this does.
  std::shared_ptr<grpc::ServerCredentials> GrpcCredentials();

  // The CAs of all clients, in PEM.
  std::string ClientCas() { return identities_.Anchors()->pem(); }

  // Keeps these up to date too, and starts looking. `metrics` may be null.
  // REQUIRES: called once; both outlive Stop.
  void Start(publish::HttpsServer* https, publish::HttpsServer* metrics);

  // Looks once. For tests; the thread of Start does it by itself.
  void Poll();

  // Ends the thread. Calling it again does nothing.
  void Stop();

 private:
  // One thing that is taken over as a whole or not at all.
  struct Watched {
    std::string what;
    std::function<absl::Status()> reload;
    std::string complaint;  // the last fault; empty while it is good
  };

  TlsKeeper(const Config& config, const Sources& sources, TlsIdentity grpc, TlsIdentity https,
            const std::vector<auth::TrustBundle>& bundles, StagedFile identity, StagedFile roots);

  void AlarmIfNotValid(const TlsIdentity& identity, const std::string& path) const;
  absl::Status CheckPeer(absl::string_view pem, absl::string_view chain_pem);
  absl::Status ReloadGrpc() ABSL_EXCLUSIVE_LOCKS_REQUIRED(poll_mu_);
  absl::Status ReloadBundles() ABSL_EXCLUSIVE_LOCKS_REQUIRED(poll_mu_);
  absl::Status ReloadHttps() ABSL_EXCLUSIVE_LOCKS_REQUIRED(poll_mu_);
  absl::Status ReloadRoots() ABSL_EXCLUSIVE_LOCKS_REQUIRED(poll_mu_);
  void Run();

  const Config config_;
  const Sources sources_;
  const auth::BundleRules rules_;
  auth::IdentityReader identities_;

  absl::Mutex poll_mu_;  // one poll at a time
  TlsIdentity grpc_ ABSL_GUARDED_BY(poll_mu_);
  TlsIdentity https_ ABSL_GUARDED_BY(poll_mu_);
  std::string bundles_ ABSL_GUARDED_BY(poll_mu_);  // all of them, to compare
  std::string roots_ ABSL_GUARDED_BY(poll_mu_);    // what is staged
  StagedFile staged_identity_;
  StagedFile staged_roots_;
  publish::HttpsServer* https_server_ ABSL_GUARDED_BY(poll_mu_) = nullptr;
  publish::HttpsServer* metrics_server_ ABSL_GUARDED_BY(poll_mu_) = nullptr;
  std::vector<Watched> watched_ ABSL_GUARDED_BY(poll_mu_);

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_TLS_KEEPER_H_
