// Whether the server could read what only sealward-hsm may know.
#ifndef SEALWARD_SERVER_APP_SIGNER_ISOLATION_H_
#define SEALWARD_SERVER_APP_SIGNER_ISOLATION_H_

#include <sys/types.h>

#include <map>
#include <span>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/app/config.h"

namespace sealward::app {

// SignerIsolation asks the kernel, for every partition of a configuration: the PIN
// file and the token directory, the memory of the processes, and whose processes they
// are. Outside development an answer that gives anything away ends the start or the
// connection (FAILED_PRECONDITION, PARTITION_EXPOSED); in development, where server and
// signer are one user's, it goes into the log and into `sealward status`. Thread-safe.
class SignerIsolation {
 public:
  explicit SignerIsolation(const Config& config);

  // The directories. For the start, before anything is connected.
  absl::Status CheckDirectories() const;

  // A process that listens on a socket of `partition`, before it is given work.
  absl::Status CheckPeer(const std::string& partition, pid_t pid, uid_t uid)
      ABSL_LOCKS_EXCLUDED(mu_);

  // What CheckPeer refused first; OK if nothing. For the end of the start.
  absl::Status Refused() const ABSL_LOCKS_EXCLUDED(mu_);

  // What of `partition` with the processes `pids` the server could read, for people;
  // empty if nothing.
  std::string ExposureOf(const std::string& partition, std::span<const pid_t> pids) const;

 private:
  const bool development_;
  std::map<std::string, std::string> directories_;  // by partition; those that are named
  mutable absl::Mutex mu_;
  absl::Status refused_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_SIGNER_ISOLATION_H_
