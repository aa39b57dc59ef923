// sealward-hsm check: what a PKCS#11 module can do for Sealward, on one page.
#ifndef SEALWARD_HSM_CHECK_H_
#define SEALWARD_HSM_CHECK_H_

#include <string>

namespace sealward::hsm {

// What to check. Empty: what hsm.toml of the directory says, else as stated.
struct CheckOptions {
  std::string module;
  std::string profile;    // else generic
  std::string label;      // else sealward
  std::string directory;  // a partition directory, or one that is empty; else where we are
  std::string pin_file;   // relative to the directory; else there is no login
};

// Prints the page to stdout. Without a PIN file it loads the module in the profile's
// sandbox, asks what needs no login and changes nothing.
//
// With one it does as serve does (the directory's owner, sandbox, lock, the PIN once:
// hsm/pin_latch.h, whose files it leaves in the directory), makes a key pair for each
// algorithm with the very code that serves, signs with it, and destroys what it made
// and nothing else. REQUIRES: then a directory.
//
// The exit code: 0 if Sealward can use the module, 69 if not or if it cannot be loaded,
// else as serve; errors are logged.
int Check(const CheckOptions& options);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CHECK_H_
