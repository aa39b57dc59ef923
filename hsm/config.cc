#include "hsm/config.h"

#include <toml++/toml.h>

#include <array>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kDestroyWindowKey = "least_destroy_window_s";

absl::Status Invalid(absl::string_view message) {
  return ExitError(kExitBadConfiguration, "CONFIG_INVALID",
                   absl::StrCat(kConfigFile, ": ", message));
}

absl::Status TakeWindow(const toml::node& node, Config& config) {
  const auto seconds = node.value_exact<int64_t>();
  if (!seconds || *seconds < 0 || absl::Seconds(*seconds) > kMaxDestroyWindow) {
    return Invalid(absl::StrCat("\"", kDestroyWindowKey, "\" must be a number of 0 to ",
                                absl::ToInt64Seconds(kMaxDestroyWindow)));
  }
  config.least_destroy_window = absl::Seconds(*seconds);
  return absl::OkStatus();
}

// Puts every value of the table where its key says; refuses what has no place.
absl::Status Distribute(const toml::table& table, std::string& profile, Config& config) {
  const std::array<std::pair<absl::string_view, std::string*>, 5> places = {{
      {"module", &config.module},
      {"label", &config.label},
      {"profile", &profile},
      {"pin_file", &config.pin_file},
      {"token_directory", &config.token_directory},
  }};
  for (const auto& [key, node] : table) {
    if (key.str() == std::string_view(kDestroyWindowKey.data(), kDestroyWindowKey.size())) {
      if (absl::Status s = TakeWindow(node, config); !s.ok()) return s;
      continue;
    }
    std::string* place = nullptr;
    for (const auto& [name, target] : places) {
      if (key.str() == std::string_view(name.data(), name.size())) place = target;
    }
    if (place == nullptr) return Invalid(absl::StrCat("unknown key \"", std::string(key), "\""));
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) {
      return Invalid(absl::StrCat("\"", std::string(key), "\" must be a non-empty string"));
    }
    *place = *text;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Config> ParseConfig(absl::string_view toml) {
  toml::table table;
  try {
    table = toml::parse(std::string_view(toml.data(), toml.size()));
  } catch (const toml::parse_error& error) {
    return Invalid(
        absl::StrCat("line ", error.source().begin.line, ": ", std::string(error.description())));
  }
  Config config;
  std::string profile;
  if (absl::Status s = Distribute(table, profile, config); !s.ok()) return s;
  if (config.module.empty() || config.module.front() != '/') {
    return Invalid("\"module\" must be the absolute path of a PKCS#11 module");
  }
  if (config.label.empty() || config.label.size() > kMaxPartitionLabelBytes) {
    return Invalid(absl::StrCat("\"label\" must have 1 to ", kMaxPartitionLabelBytes, " bytes"));
  }
  config.profile = FindProfile(profile);
  if (config.profile == nullptr) {
    return Invalid(absl::StrCat("\"profile\" must be one of: ", ProfileNames()));
  }
  if (config.profile->guards_token_object && config.token_directory.empty()) {
    return Invalid(absl::StrCat("profile \"", profile, "\" needs \"token_directory\""));
  }
  return config;
}

absl::StatusOr<Config> LoadConfig() {
  auto text = ReadFile(kConfigFile);
  if (absl::IsNotFound(text.status())) {
    return ExitError(kExitPartitionUnusable, "PARTITION_NOT_INITIALIZED",
                     "the directory holds no hsm.toml, so no partition was initialised in it; "
                     "run sealward-hsm init");
  }
  if (!text.ok()) return WithExitCode(kExitBadConfiguration, text.status());
  return ParseConfig(*text);
}

std::string FormatConfig(const Config& config) {
  toml::table table{
      {"module", config.module},
      {"label", config.label},
      {"profile", std::string(config.profile->name)},
      {"pin_file", config.pin_file},
      {std::string_view(kDestroyWindowKey.data(), kDestroyWindowKey.size()),
       absl::ToInt64Seconds(config.least_destroy_window)},
  };
  if (!config.token_directory.empty()) table.insert("token_directory", config.token_directory);
  std::ostringstream out;
  out << "# The partition of this directory; written by sealward-hsm init.\n"
      << "# least_destroy_window_s: a scheduled key can be destroyed no sooner than that.\n"
      << table << "\n";
  return out.str();
}

}  // namespace sealward::hsm
