// A partition that this process is logged in to.
#ifndef SEALWARD_HSM_OPEN_PARTITION_H_
#define SEALWARD_HSM_OPEN_PARTITION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hsm/config.h"
#include "hsm/mechanisms.h"
#include "hsm/pkcs11/module.h"
#include "hsm/pkcs11/session.h"

namespace sealward::hsm {

// OpenPartition holds module, slot and a fixed set of sessions.
struct OpenPartition {
  Config config;
  std::unique_ptr<pkcs11::Module> module;
  pkcs11::Threads threads = pkcs11::Threads::kOne;  // what the module was told
  pkcs11::Slot slot;
  std::vector<const Mechanism*> mechanisms;
  // Holds login and session objects; never closed before the process ends.
  std::unique_ptr<pkcs11::Session> objects;
  // Sign: at least one and at most as many as the profile says, fewer where the HSM has no
  // more or cannot lock, and their number stays. One is replaced where an operation left it
  // in an uncertain state, and is nullptr while the HSM has none for it.
  std::vector<std::unique_ptr<pkcs11::Session>> signing;
  // What was repaired on the way.
  std::vector<std::string> alarms;

  // Whether the partition has `algorithm`.
  bool Offers(::sealward::v1::Algorithm algorithm) const;
};

// Loads the module and logs in, all under the partition's lock, so that
// processes of one partition do it one by one: a wrong PIN is seen by the first
// and latched before the next looks. REQUIRES: the partition directory is the
// working directory; Harden was called. `peer_fd` as in PartitionLock.
//
// Exit codes of the errors: 69 partition or module unusable, 75 HSM gone, 77 PIN
// refused or latched, 78 PIN file invalid.
absl::StatusOr<std::unique_ptr<OpenPartition>> LogIn(const Config& config, int peer_fd);

// Makes what the profile's module needs outside its library: its environment variable,
// and for some a way to the partition directory from the root; exit code 78
// (PARTITION_UNREACHABLE) where a folder bars it. REQUIRES: the partition directory is
// the working directory; before the module is loaded.
absl::Status PrepareForModule(const Profile& profile);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_OPEN_PARTITION_H_
