// hsm.toml: what a partition directory says about its partition.
//
//   module = "/usr/lib/softhsm/libsofthsm2.so"   # PKCS#11 module, absolute path
//   label = "sealward"                           # CK_TOKEN_INFO.label
//   profile = "softhsm"                          # see hsm/profile.h
//   pin_file = "pin"                             # relative to the directory
//   token_directory = "tokens/0c4a…"             # where the profile guards it
//   least_destroy_window_s = 86400               # see Config; this if left out
#ifndef SEALWARD_HSM_CONFIG_H_
#define SEALWARD_HSM_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hsm/profile.h"

namespace sealward::hsm {

// Files of a partition directory, relative to it.
inline constexpr char kConfigFile[] = "hsm.toml";
inline constexpr char kLockFile[] = "lock";
inline constexpr char kPinFile[] = "pin";
inline constexpr char kPinLatchFile[] = "pin-latch";
inline constexpr char kPinAcceptedFile[] = "pin-accepted";
inline constexpr char kTokenObjectCopyFile[] = "token.object.copy";
inline constexpr char kStagingFile[] = "staging";  // renamed into place; under the lock only

// PKCS#11 labels have 32 bytes (PKCS#11 v2.40, CK_TOKEN_INFO).
inline constexpr size_t kMaxPartitionLabelBytes = 32;

inline constexpr absl::Duration kDefaultDestroyWindow = absl::Hours(24);
inline constexpr absl::Duration kMaxDestroyWindow = absl::Hours(24 * 366);

// Config is the content of hsm.toml. Paths are relative to the partition
// directory, which is the working directory of the process.
struct Config {
  std::string module;
  std::string label;
  const Profile* profile = nullptr;
  std::string pin_file = kPinFile;
  std::string token_directory;
  // The least time between ScheduleDestroy and Destroy, in whole seconds, at most
  // kMaxDestroyWindow. A hijacked server cannot shorten it, so that destroying keys
  // takes longer than noticing it. 0 leaves no time and is for tests.
  absl::Duration least_destroy_window = kDefaultDestroyWindow;
};

// FAILED_PRECONDITION with exit code 78 (CONFIG_INVALID) naming the line or the
// key that is wrong: unknown keys, wrong types, unknown profile.
absl::StatusOr<Config> ParseConfig(absl::string_view toml);

// Reads kConfigFile of the working directory. Exit code 69 where there is none:
// the directory holds no partition.
absl::StatusOr<Config> LoadConfig();

// The text of hsm.toml for `config`.
std::string FormatConfig(const Config& config);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CONFIG_H_
