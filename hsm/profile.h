// HSM profiles: what a kind of HSM allows and needs, as data.
#ifndef SEALWARD_HSM_PROFILE_H_
#define SEALWARD_HSM_PROFILE_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/strings/string_view.h"

namespace sealward::hsm {

// Profile is what sealward-hsm knows about one kind of HSM. Rows are constants.
//
// What every profile requires: C_GenerateKeyPair, C_FindObjects,
// C_GetAttributeValue, C_SignInit, C_Sign, C_DestroyObject. Anything else is
// used only where a row allows it.
struct Profile {
  absl::string_view name;

  // Sign with session-object copies (C_CopyObject), at most so many; 0 where
  // the HSM has none. SoftHSM2 re-reads files for each use of a token object,
  // and re-indexes all of them when another process generates.
  size_t session_copies;

  // Each login rewrites the file that holds the partition's master key, and a
  // kill at that moment empties it: keep a copy and put it back under the lock.
  bool guards_token_object;

  // Flush the file system before a generated key, or any other change of the
  // partition, is answered for.
  bool syncs_after_generate;

  // Has data objects (C_CreateObject of CKO_DATA): then the partition remembers
  // marks and an epoch (data_objects.h).
  bool data_objects;

  // Whether the HSM is reached over the network. If not, no socket can be made.
  bool network;

  // Whether the system calls that the module makes are known: then everything
  // else kills the process. Otherwise only what is always denied does.
  bool seccomp_allow_list;

  // Environment variable that tells the module where its configuration is, and
  // the value, relative to the partition directory; empty where there is none.
  const char* config_variable;
  const char* config_file;
};

// Every profile, SoftHSM2's first.
std::span<const Profile> AllProfiles();

// The row called `name`, or nullptr.
const Profile* FindProfile(absl::string_view name);

// "softhsm, generic", for messages.
std::string ProfileNames();

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PROFILE_H_
