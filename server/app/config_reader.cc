#include "server/app/config_reader.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"

namespace sealward::app {
namespace {

constexpr int kMaxPort = 65535;
constexpr size_t kMaxTrustDomains = 64;

}  // namespace

toml::table* ConfigReader::Section(const char* section) {
  return *section == '\0' ? &table_ : table_.at_path(section).as_table();
}

void ConfigReader::FailUnknown(const std::string& section, const toml::table& in) {
  for (auto&& [key, value] : in) {
    const std::string name(key.str());
    if (section == kPartitionsSection && value.is_table()) {
      FailUnknown(absl::StrCat(section, ".", name), *value.as_table());
    } else {
      Fail(section.c_str(), name.c_str(), "is not a key that the server knows");
    }
  }
}

template <typename T>
T ConfigReader::Take(const char* section, const char* key, const char* type, T fallback) {
  toml::table* in = Section(section);
  if (in == nullptr || !in->contains(key)) return fallback;
  const auto value = (*in)[key].value_exact<T>();
  if (!value) Fail(section, key, absl::StrCat("must be ", type));
  in->erase(key);
  return value.value_or(fallback);
}

std::string ConfigReader::Text(const char* section, const char* key, std::string fallback) {
  return Take<std::string>(section, key, "a string", std::move(fallback));
}

std::string ConfigReader::RequiredText(const char* section, const char* key) {
  std::string value = Text(section, key, "");
  if (value.empty()) Fail(section, key, "is missing");
  return value;
}

bool ConfigReader::Has(const char* section, const char* key) {
  toml::table* in = Section(section);
  return in != nullptr && in->contains(key);
}

bool ConfigReader::Switch(const char* section, const char* key, bool fallback) {
  return Take<bool>(section, key, "true or false", fallback);
}

int ConfigReader::Number(const char* section, const char* key, int fallback, int most) {
  const int64_t value = Take<int64_t>(section, key, "a number", fallback);
  if (value < 1 || value > most) Fail(section, key, absl::StrCat("must be from 1 to ", most));
  return static_cast<int>(value);
}

std::string ConfigReader::Address(const char* section, const char* key) {
  std::string value = Text(section, key, "");
  const size_t colon = value.rfind(':');
  int port = 0;
  if (value.empty() || colon == 0 || colon == std::string::npos ||
      !absl::SimpleAtoi(value.substr(colon + 1), &port) || port < 0 || port > kMaxPort) {
    Fail(section, key, "must be HOST:PORT, for example \"127.0.0.1:7443\"");
  }
  return value;
}

std::vector<std::string> ConfigReader::Paths(const char* section, const char* key) {
  std::vector<std::string> paths;
  toml::table* in = Section(section);
  const toml::array* list = in == nullptr ? nullptr : in->get_as<toml::array>(key);
  if (list == nullptr) return paths;
  for (const toml::node& each : *list) {
    const auto text = each.value<std::string>();
    if (!text || text->empty()) Fail(section, key, "must be a list of paths");
    paths.push_back(Absolute(text.value_or("")));
  }
  in->erase(key);
  return paths;
}

std::vector<Config::TrustDomain> ConfigReader::TrustDomains(const char* section, const char* key) {
  std::vector<Config::TrustDomain> domains;
  toml::table* in = Section(section);
  if (in == nullptr || !in->contains(key)) return domains;
  const toml::array* list = in->get_as<toml::array>(key);
  if (list == nullptr || list->size() > kMaxTrustDomains) {
    Fail(section, key, absl::StrCat("must be at most ", kMaxTrustDomains, " tables"));
    return domains;
  }
  for (const toml::node& each : *list) {
    const toml::table* row = each.as_table();
    const bool whole =
        row != nullptr && row->size() == 2 && row->contains("name") && row->contains("bundle");
    const std::string name = whole ? (*row)["name"].value_or(std::string()) : "";
    const std::string bundle = whole ? (*row)["bundle"].value_or(std::string()) : "";
    if (!IsValidTrustDomain(name) || bundle.empty()) {
      Fail(section, key, "must have name, a SPIFFE trust domain, and bundle, a file, each");
    }
    domains.push_back({name, Absolute(bundle)});
  }
  in->erase(key);
  return domains;
}

std::vector<std::string> ConfigReader::TablesIn(const char* section) {
  std::vector<std::string> names;
  const toml::table* in = Section(section);
  if (in == nullptr) return names;
  for (auto&& [name, node] : *in) {
    if (node.is_table()) names.emplace_back(name.str());
  }
  return names;
}

std::string ConfigReader::RequiredPath(const char* section, const char* key) {
  return Absolute(RequiredText(section, key));
}

std::string ConfigReader::Absolute(const std::string& path) const {
  return path.empty() ? path : (directory_ / path).lexically_normal().string();
}

void ConfigReader::Fail(const char* section, const char* key, absl::string_view what) {
  if (!status_.ok()) return;
  const std::string dotted = *section == '\0' ? key : absl::StrCat(section, ".", key);
  status_ = absl::InvalidArgumentError(absl::StrCat(path_, ": ", dotted, " ", what));
}

absl::Status ConfigReader::Finish() {
  for (auto&& [name, node] : table_) {
    const toml::table* in = node.as_table();
    if (in == nullptr) {
      Fail("", std::string(name.str()).c_str(), "is not a key that the server knows");
      continue;
    }
    FailUnknown(std::string(name.str()), *in);
  }
  return status_;
}

}  // namespace sealward::app
