#include "client/cli/profile.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"
#include "client/cli/suggest.h"
#include "toml++/toml.h"

namespace sealward::client::cli {
namespace {

struct Setting {
  const char* name;
  std::string Profile::* member;
  bool is_path;
};

constexpr Setting kSettings[] = {
    {"server", &Profile::server, false}, {"signing_server", &Profile::signing_server, false},
    {"cert", &Profile::cert, true},      {"key", &Profile::key, true},
    {"ca", &Profile::ca, true},
};

std::vector<std::string> SettingNames() {
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  return names;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxProfileBytes + 1, '\0');
  if (!file.is_open() || (file.read(text.data(), static_cast<long>(text.size())), file.bad())) {
    return UsageError(absl::StrCat("cannot read the profile file ", path,
                                   "; give --config or SEALWARD_CONFIG a file that exists"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxProfileBytes) {
    return UsageError(absl::StrCat("the profile file ", path, " is larger than 64 KiB"));
  }
  return text;
}

absl::Status Apply(const std::string& path, std::string_view name, const toml::node& value,
                   Profile& profile) {
  for (const Setting& setting : kSettings) {
    if (setting.name != name) continue;
    const auto text = value.value_exact<std::string>();
    if (!text || text->empty()) {
      return UsageError(absl::StrCat(path, ": ", setting.name, " must be a string"));
    }
    std::filesystem::path result(*text);
    if (setting.is_path) result = std::filesystem::path(path).parent_path() / result;
    profile.*setting.member = result.string();
    return absl::OkStatus();
  }
  const std::string key(name);
  return UsageError(
      absl::StrCat(path, ": unknown setting \"", key, "\"", DidYouMean(key, SettingNames())));
}

}  // namespace

absl::StatusOr<Profile> ReadProfile(const std::string& path) {
  auto text = ReadFile(path);
  if (!text.ok()) return text.status();
  toml::table table;
  try {
    table = toml::parse(*text, path);
  } catch (const toml::parse_error& error) {
    return UsageError(
        absl::StrCat(path, ":", error.source().begin.line, ": ", std::string(error.description())));
  }
  Profile profile;
  for (const auto& [name, value] : table) {
    if (auto status = Apply(path, name.str(), value, profile); !status.ok()) return status;
  }
  return profile;
}

Profile Merge(const Profile& flags, const Profile& file) {
  Profile merged;
  for (const Setting& setting : kSettings) {
    const std::string& flag = flags.*setting.member;
    merged.*setting.member = flag.empty() ? file.*setting.member : flag;
  }
  return merged;
}

}  // namespace sealward::client::cli
