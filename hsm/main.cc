// sealward-hsm: the only program that loads a PKCS#11 module or knows a PIN.
#include <pwd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <string>

#include "hsm/check.h"
#include "hsm/exit_codes.h"
#include "hsm/hardening.h"
#include "hsm/init.h"
#include "hsm/log.h"
#include "hsm/profile.h"
#include "hsm/serve.h"
#include "hsm/wipe_on_free.h"

#ifdef SEALWARD_SANITIZED
// Leak checking and symbolizing start threads and programs, which the sandbox
// kills for good reason.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0:symbolize=0"; }
#endif

namespace {

struct Arguments {
  sealward::hsm::InitOptions init;
  sealward::hsm::ServeOptions serve;
  std::string peer_user;
  std::string latch_directory;
  sealward::hsm::CheckOptions check;
  uint32_t uid = 0;
};

struct Commands {
  CLI::App* init;
  CLI::App* serve;
  CLI::App* clear;
  CLI::App* check;
  CLI::Option* uid;
};

uid_t UidOf(const std::string& user) {
  const passwd* found = getpwnam(user.c_str());
  if (found == nullptr) throw CLI::ValidationError("--peer-user", "there is no user " + user);
  return found->pw_uid;
}

CLI::App* DescribeCheck(CLI::App& app, sealward::hsm::CheckOptions& options) {
  CLI::App* check =
      app.add_subcommand("check", "Say on one page what a PKCS#11 module can do for Sealward");
  check->add_option("--module", options.module, "PKCS#11 module (default: hsm.toml's)");
  check->add_option(
      "--profile", options.profile,
      "Kind of HSM: " + sealward::hsm::ProfileNames() + " (default: hsm.toml's, else generic)");
  check->add_option("--label", options.label, "Label of the token (default: hsm.toml's)");
  auto* directory = check->add_option(
      "--dir", options.directory,
      "Partition directory, or an empty one of the user who will serve: where the lock and the "
      "latch of wrong PINs are kept");
  check
      ->add_option("--pin-file", options.pin_file,
                   "File with the PIN, relative to --dir: log in, make a key pair for each "
                   "algorithm, sign, and destroy what was made; without it nothing is changed")
      ->needs(directory);
  return check;
}

Commands Describe(CLI::App& app, Arguments& arguments) {
  app.require_subcommand(1);
  CLI::App* init =
      app.add_subcommand("init", "Make a partition of a software token with a random PIN");
  init->add_option("--dir", arguments.init.directory, "Directory to make")->required();
  init->add_option("--profile", arguments.init.profile,
                   "Kind of HSM: softhsm (default) or softokn, which is NSS's");
  init->add_option("--module", arguments.init.module,
                   "PKCS#11 module (default: where Debian puts it)");
  init->add_option("--label", arguments.init.label, "Label of the partition (default: sealward)");
  init->add_option("--least-destroy-window-s", arguments.init.least_destroy_window_s,
                   "Seconds that a key stays scheduled before it can be destroyed "
                   "(default: 86400, a day); in hsm.toml later");
  CLI::Option* uid =
      init->add_option("--uid", arguments.uid, "As root: the user that owns and serves it");

  CLI::App* serve = app.add_subcommand("serve", "Serve a partition to one sealward-server");
  serve->add_option("--dir", arguments.serve.directory, "Partition directory")->required();
  auto* fd = serve->add_option("--fd", arguments.serve.fd, "Connected socket that was inherited");
  auto* listen = serve->add_option("--listen", arguments.serve.listen, "Path of a socket to make");
  auto* peer = serve->add_option("--peer-uid", arguments.serve.peer_uid, "Who may connect to it");
  auto* user = serve->add_option("--peer-user", arguments.peer_user, "The same, by name");
  fd->excludes(listen)->excludes(peer)->excludes(user)->check(CLI::NonNegativeNumber);
  peer->needs(listen)->excludes(user);
  user->needs(listen);
  serve->callback([listen, peer, user, &arguments] {
    if (*listen && !*peer && !*user) throw CLI::RequiredError("--peer-uid or --peer-user");
    if (*user) arguments.serve.peer_uid = UidOf(arguments.peer_user);
  });

  CLI::App* clear = app.add_subcommand("clear-pin-latch", "Let processes present the PIN again");
  clear->add_option("--dir", arguments.latch_directory, "Partition directory")->required();
  return {init, serve, clear, DescribeCheck(app, arguments.check), uid};
}

int Run(int argc, char** argv) {
  namespace hsm = sealward::hsm;
  CLI::App app("Keeps the keys of one HSM partition and signs with them.", "sealward-hsm");
  Arguments arguments;
  const Commands commands = Describe(app, arguments);
  try {
    app.parse(argc, argv);
    if (*commands.serve && arguments.serve.fd < 0 && arguments.serve.listen.empty()) {
      throw CLI::RequiredError("--fd or --listen");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? hsm::kExitOk : hsm::kExitUsage;
  }
  if (*commands.init) {
    if (*commands.uid) arguments.init.uid = arguments.uid;
    return hsm::Init(arguments.init);
  }
  if (*commands.check) return hsm::Check(arguments.check);
  if (*commands.clear) return hsm::ClearPinLatch(arguments.latch_directory);
  return hsm::Serve(arguments.serve);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    sealward::hsm::StartWipingOnFree();
    if (absl::Status s = sealward::hsm::BindImmediately(argv); !s.ok()) {
      sealward::hsm::LogError(std::string(s.message()));
      return sealward::hsm::kExitPartitionUnusable;
    }
    return Run(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, or a library's surprise: nothing that can be gone on from.
    return sealward::hsm::kExitProtocolViolation;
  }
}
