// `sealward`, the command line of Sealward.
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/connection.h"
#include "common/grpc_tls.h"

namespace {

// There is nothing to undo here: the server finishes or drops the request by
// itself. Only calls that are safe in a signal handler.
void OnInterrupt(int /*signal*/) {
  constexpr char kMessage[] = "\nsealward: interrupted; the server may still finish the request\n";
  (void)!::write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  ::_exit(sealward::client::cli::kExitInterrupted);
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action = {};
  action.sa_handler = OnInterrupt;
  ::sigaction(SIGINT, &action, nullptr);
  sealward::client::RequireTls13();
  sealward::KeepOpenSslForGrpc();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return sealward::client::cli::RunApp(arguments, std::cout, std::cerr);
}
