// The composition root: every part of the server is made here, in order, and
// ended in the reverse order.
#ifndef SEALWARD_SERVER_APP_SERVER_H_
#define SEALWARD_SERVER_APP_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/app/config.h"
#include "server/app/ready_file.h"

namespace sealward::app {

// How long calls under way may take to finish once the server is asked to end.
inline constexpr absl::Duration kStopTimeout = absl::Seconds(10);

// Server is a whole running server.
class Server {
 public:
  // Opens the store, starts the signer processes of every partition and all
  // listeners, and waits until each partition is ready or has failed
  // (HsmPartitions::AwaitStart). A server without an HSM serves all the same: validators need the
  // JWKS then most of all. Errors say which part could not start; FAILED_PRECONDITION and
  // UNAVAILABLE are worth another try, DATA_LOSS and NOT_FOUND are the store's, INVALID_ARGUMENT is
  // the configuration's. REQUIRES: `clock` outlives it.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config, const Clock* clock);

  // Stops.
  ~Server();

  // Where it serves, and how the HSM is.
  ReadyInfo Info() const;

  // Refuses new calls, lets those under way finish, ends the signer processes.
  // Calling it again does nothing.
  void Stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_SERVER_H_
