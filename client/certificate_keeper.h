// Private to client/: certificates that are renewed while the program runs.
#ifndef SEALWARD_CLIENT_CERTIFICATE_KEEPER_H_
#define SEALWARD_CLIENT_CERTIFICATE_KEEPER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/metrics.h"
#include "client/pem_files.h"
#include "common/staged_file.h"
#include "grpcpp/security/credentials.h"

namespace sealward::client {

// CertificateKeeper holds the last good content of three files and shows that to
// gRPC, never the files themselves: gRPC 1.51 fails every handshake while a file
// that it watches is bad. A file is taken over after it was checked, certificate
// and key together. Thread-safe.
class CertificateKeeper {
 public:
  // Reads the files; errors as CheckPemFiles. They are looked at again every
  // `refresh`, by a thread. `metrics` may be null.
  static absl::StatusOr<std::unique_ptr<CertificateKeeper>> Open(PemPaths paths,
                                                                 absl::Duration refresh,
                                                                 std::shared_ptr<Metrics> metrics);
  // Stops.
  ~CertificateKeeper();

  // What a channel takes its certificates from, with each handshake.
  // REQUIRES: the channel ends before this does.
  std::shared_ptr<grpc::ChannelCredentials> Credentials() const;

  // Looks now. OK if what the files hold is what the next handshakes take (gRPC has
  // a thread of its own that notices within a second); otherwise the last good ones
  // stay.
  absl::Status Reload();

 private:
  CertificateKeeper(PemPaths paths, std::shared_ptr<Metrics> metrics, StagedFile identity,
                    StagedFile roots, std::string digest)
      : paths_(std::move(paths)),
        metrics_(std::move(metrics)),
        identity_(std::move(identity)),
        roots_(std::move(roots)),
        digest_(std::move(digest)) {}

  absl::Status TakeOver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mu_);
  void Run(absl::Duration refresh);

  const PemPaths paths_;
  const std::shared_ptr<Metrics> metrics_;
  absl::Mutex reload_mu_;  // one look at a time
  StagedFile identity_;
  StagedFile roots_;
  std::string digest_ ABSL_GUARDED_BY(reload_mu_);     // of what is staged
  std::string complaint_ ABSL_GUARDED_BY(reload_mu_);  // the last fault; empty while all is good
  bool news_ ABSL_GUARDED_BY(reload_mu_) = false;      // TakeOver staged something

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_CERTIFICATE_KEEPER_H_
