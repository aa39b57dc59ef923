// sealward-hsm serve.
#ifndef SEALWARD_HSM_SERVE_H_
#define SEALWARD_HSM_SERVE_H_

#include <sys/types.h>

#include <string>

namespace sealward::hsm {

// Where the partition is and how the server connects: `fd`, or a path with the
// uid that may connect.
struct ServeOptions {
  std::string directory;
  int fd = -1;
  std::string listen;
  uid_t peer_uid = 0;
};

// Serves one connection until it ends; the process's exit code
// (hsm/exit_codes.h). Errors are logged. SIGINT, SIGHUP and SIGPIPE are
// ignored: a Ctrl-C at a terminal is for the server, which closes the
// connection when it is done. SIGTERM waits until the process is ready, because
// a login that is cut off damages a SoftHSM2 partition, and then ends it between
// two packets.
int Serve(const ServeOptions& options);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_SERVE_H_
