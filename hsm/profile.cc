#include "hsm/profile.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_join.h"

namespace sealward::hsm {
namespace {

constexpr std::array kProfiles = {
    Profile{.name = "softhsm",
            .session_copies = 1024,
            .guards_token_object = true,
            .syncs_after_generate = true,
            .data_objects = true,
            .network = false,
            .seccomp_allow_list = true,
            .config_variable = "SOFTHSM2_CONF",
            .config_file = "softhsm2.conf"},
    // The subset that every PKCS#11 v2.40 module offers; its system calls and
    // its way to the HSM are unknown.
    Profile{.name = "generic",
            .session_copies = 0,
            .guards_token_object = false,
            .syncs_after_generate = true,
            .data_objects = false,
            .network = true,
            .seccomp_allow_list = false,
            .config_variable = "",
            .config_file = ""},
};

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
