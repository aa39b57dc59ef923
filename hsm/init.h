// sealward-hsm init: makes a partition directory.
//
//   hsm.toml            what the directory is; written last
//   softhsm2.conf       SoftHSM2's configuration, with a relative tokendir
//   tokens/             the files of SoftHSM2 or of NSS's softokn
//   pin, pin-accepted   the PIN (0400), and the identity of its file
//   token.object.copy   SoftHSM2's alone, see hsm/token_guard.h
//   lock                see hsm/partition_lock.h
#ifndef SEALWARD_HSM_INIT_H_
#define SEALWARD_HSM_INIT_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sealward::hsm {

struct InitOptions {
  std::string directory;
  std::string profile = "softhsm";  // one with Profile::module_paths
  std::string module;               // empty: where a distribution puts it
  std::string label = "sealward";
  std::optional<uid_t> uid;                       // as root: who gets the directory
  std::optional<int64_t> least_destroy_window_s;  // Config::least_destroy_window
};

// Makes the directory (0700), a software token's partition in it and a random PIN that
// nobody sees; as root, for the user of options.uid, sealward-hsm or kDefaultUid,
// and as that user. Refuses (exit code 2) where the directory holds anything: a
// partition is never overwritten. The exit code; errors are logged.
int Init(const InitOptions& options);

// Lets processes present the PIN again. The exit code; errors are logged.
int ClearPinLatch(const std::string& directory);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_INIT_H_
