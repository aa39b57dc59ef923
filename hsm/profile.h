// HSM profiles: what a kind of HSM allows and needs, as data.
#ifndef SEALWARD_HSM_PROFILE_H_
#define SEALWARD_HSM_PROFILE_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/strings/string_view.h"
#include "hsm/pkcs11/module.h"

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

  // Sessions that sign at the same time, each on a thread of its own. An HSM that is
  // reached over the network needs many operations in flight; software tokens lock
  // so much that several processes are faster. More than one only without session copies.
  // At most: hsm/open_partition.h.
  size_t signing_sessions;

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

  // Environment variable that the module reads, and the value, in which a path is
  // relative to the partition directory; empty where there is none.
  const char* variable;
  const char* variable_value;

  // The module opens its files by their absolute path, so the partition's owner must
  // be able to pass through every folder above the partition directory.
  bool absolute_paths;

  // What the module does in a way of its own.
  pkcs11::Traits traits;

  // How sealward-hsm init makes a partition, for software tokens; for others the
  // vendor's tools do, and `module_paths` is empty.
  //
  // Where distributions put the module, by likelihood.
  std::span<const char* const> module_paths;
  // Configuration file to write, and its content; empty where there is none.
  const char* config_file;
  const char* config_text;
  // The token is there once the module is initialised, and its security officer's
  // PIN is empty; otherwise C_InitToken makes and labels one.
  bool token_preformatted;
};

// Every profile, SoftHSM2's first.
std::span<const Profile> AllProfiles();

// The row called `name`, or nullptr.
const Profile* FindProfile(absl::string_view name);

// "softhsm, softokn, generic", for messages.
std::string ProfileNames();

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PROFILE_H_
