#include "hsm/profile.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_join.h"

namespace sealward::hsm {
namespace {

constexpr const char* kSoftHsmPaths[] = {"/usr/lib/softhsm/libsofthsm2.so",
                                         "/usr/lib64/softhsm/libsofthsm2.so",
                                         "/usr/lib64/pkcs11/libsofthsm2.so"};
constexpr char kSoftHsmConfig[] =
    "# Relative to the working directory of sealward-hsm, which is this one.\n"
    "directories.tokendir = tokens\n"
    "objectstore.backend = file\n"
    "log.level = ERROR\n"
    "slots.removable = false\n"
    "slots.mechanisms = ALL\n";

constexpr const char* kSoftoknPaths[] = {"/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
                                         "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
                                         "/usr/lib64/libsoftokn3.so"};
// SQLite files in tokens/, and no list of modules (NSS, "PKCS #11 Module Specs").
constexpr char kSoftoknParameters[] =
    "configdir='sql:tokens' certPrefix='' keyPrefix='' secmod='' flags=noModDB "
    "dbTokenDescription='%LABEL%'";

constexpr std::array kProfiles = {
    Profile{.name = "softhsm",
            .session_copies = 1024,
            .signing_sessions = 1,
            .guards_token_object = true,
            .syncs_after_generate = true,
            .data_objects = true,
            .network = false,
            .seccomp_allow_list = true,
            .variable = "SOFTHSM2_CONF",
            .variable_value = "softhsm2.conf",
            .absolute_paths = false,
            .traits = {},
            .module_paths = kSoftHsmPaths,
            .config_file = "softhsm2.conf",
            .config_text = kSoftHsmConfig,
            .token_preformatted = false},
    // NSS's software token. Using a token object decrypts it each time (RSA-2048: 25
    // signatures a second, by a copy 500). SQLite makes absolute paths. Private data objects cannot
    // be stored. Its cache would hide what other processes generate.
    Profile{.name = "softokn",
            .session_copies = 1024,
            .signing_sessions = 1,
            .guards_token_object = false,
            .syncs_after_generate = true,
            .data_objects = false,
            .network = false,
            .seccomp_allow_list = true,
            .variable = "NSS_SDB_USE_CACHE",
            .variable_value = "no",
            .absolute_paths = true,
            .traits = {.library_parameters = kSoftoknParameters, .keeps_local = false},
            .module_paths = kSoftoknPaths,
            .config_file = "",
            .config_text = "",
            .token_preformatted = true},
    // The subset that every PKCS#11 v2.40 module offers; its system calls and
    // its way to the HSM are unknown.
    Profile{.name = "generic",
            .session_copies = 0,
            .signing_sessions = 16,
            .guards_token_object = false,
            .syncs_after_generate = true,
            .data_objects = false,
            .network = true,
            .seccomp_allow_list = false,
            .variable = "",
            .variable_value = "",
            .absolute_paths = false,
            .traits = {},
            .module_paths = {},
            .config_file = "",
            .config_text = "",
            .token_preformatted = false},
};

// Signing changes the list of session copies, so several threads cannot do it at once.
static_assert(std::ranges::all_of(kProfiles, [](const Profile& row) {
  return row.signing_sessions == 1 || (row.signing_sessions > 1 && row.session_copies == 0);
}));

}  // namespace

std::span<const Profile> AllProfiles() { return kProfiles; }

const Profile* FindProfile(absl::string_view name) {
  const auto* row = std::ranges::find(kProfiles, name, &Profile::name);
  return row == kProfiles.end() ? nullptr : row;
}

std::string ProfileNames() {
  return absl::StrJoin(kProfiles, ", ", [](std::string* out, const Profile& row) {
    out->append(row.name.data(), row.name.size());
  });
}

}  // namespace sealward::hsm
