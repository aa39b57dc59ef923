#include "server/app/config.h"

#include <toml++/toml.h>

#include <filesystem>
#include <functional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/hsm_client/process_partition.h"

namespace sealward::app {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxPort = 65535;
constexpr size_t kMaxTrustDomains = 64;

// Reader takes values out of one file and remembers the first thing that is
// wrong. Keys that nobody took are unknown ones.
class Reader {
 public:
  Reader(std::string path, toml::table table)
      : path_(std::move(path)),
        directory_(fs::absolute(path_).parent_path()),
        table_(std::move(table)) {}

  std::string Text(const char* section, const char* key, std::string fallback) {
    return Take<std::string>(section, key, "a string", std::move(fallback));
  }

  std::string RequiredText(const char* section, const char* key) {
    std::string value = Text(section, key, "");
    if (value.empty()) Fail(section, key, "is missing");
    return value;
  }

  bool Has(const char* section, const char* key) {
    toml::table* in = Section(section);
    return in != nullptr && in->contains(key);
  }

  bool Switch(const char* section, const char* key, bool fallback) {
    return Take<bool>(section, key, "true or false", fallback);
  }

  int Number(const char* section, const char* key, int fallback, int most) {
    const int64_t value = Take<int64_t>(section, key, "a number", fallback);
    if (value < 1 || value > most) Fail(section, key, absl::StrCat("must be from 1 to ", most));
    return static_cast<int>(value);
  }

  // HOST:PORT; without its port gRPC would take 443.
  std::string Address(const char* section, const char* key) {
    std::string value = Text(section, key, "");
    const size_t colon = value.rfind(':');
    int port = 0;
    if (value.empty() || colon == 0 || colon == std::string::npos ||
        !absl::SimpleAtoi(value.substr(colon + 1), &port) || port < 0 || port > kMaxPort) {
      Fail(section, key, "must be HOST:PORT, for example \"127.0.0.1:7443\"");
    }
    return value;
  }

  std::vector<std::string> Paths(const char* section, const char* key) {
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

  // The tables [[section.key]] with the keys `name` and `bundle`.
  std::vector<Config::TrustDomain> TrustDomains(const char* section, const char* key) {
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

  std::string RequiredPath(const char* section, const char* key) {
    return Absolute(RequiredText(section, key));
  }

  std::string Absolute(const std::string& path) const {
    return path.empty() ? path : (directory_ / path).lexically_normal().string();
  }

  void Fail(const char* section, const char* key, absl::string_view what) {
    if (!status_.ok()) return;
    const std::string dotted = *section == '\0' ? key : absl::StrCat(section, ".", key);
    status_ = absl::InvalidArgumentError(absl::StrCat(path_, ": ", dotted, " ", what));
  }

  absl::Status Finish() {
    for (auto&& [name, node] : table_) {
      const toml::table* in = node.as_table();
      if (in == nullptr) {
        Fail("", std::string(name.str()).c_str(), "is not a key that the server knows");
        continue;
      }
      for (auto&& [key, value] : *in) {
        Fail(std::string(name.str()).c_str(), std::string(key.str()).c_str(),
             "is not a key that the server knows");
      }
    }
    return status_;
  }

 private:
  toml::table* Section(const char* section) {
    return *section == '\0' ? &table_ : table_.get_as<toml::table>(section);
  }

  template <typename T>
  T Take(const char* section, const char* key, const char* type, T fallback) {
    toml::table* in = Section(section);
    if (in == nullptr || !in->contains(key)) return fallback;
    const auto value = (*in)[key].value_exact<T>();
    if (!value) Fail(section, key, absl::StrCat("must be ", type));
    in->erase(key);
    return value.value_or(fallback);
  }

  const std::string path_;
  const fs::path directory_;
  toml::table table_;
  absl::Status status_;
};

Config ReadConfig(Reader& reader, absl::string_view default_hsm_binary) {
  Config config;
  const std::string environment = reader.Text("", "environment", "production");
  if (environment == "development") {
    config.environment = Config::Environment::kDevelopment;
  } else if (environment != "production") {
    reader.Fail("", "environment", "must be \"production\" or \"development\"");
  }
  config.store.path = reader.RequiredPath("store", "path");
  config.hsm.sockets = reader.Paths("hsm", "sockets");
  config.hsm.processes = reader.Number("hsm", "processes", 2, hsm_client::kMaxProcesses);
  config.hsm.binary =
      reader.Absolute(reader.Text("hsm", "binary", std::string(default_hsm_binary)));
  config.hsm.partition = reader.Absolute(reader.Text("hsm", "partition", ""));
  if (config.hsm.sockets.empty() == config.hsm.partition.empty()) {
    reader.Fail("hsm", "partition",
                "or hsm.sockets must be given, and not both: the first starts sealward-hsm "
                "processes, the second connects to running ones");
  }
  config.grpc.signing_listen = reader.Address("grpc", "signing_listen");
  config.grpc.admin_listen = reader.Address("grpc", "admin_listen");
  config.grpc.certificate = reader.RequiredPath("grpc", "certificate");
  config.grpc.private_key = reader.RequiredPath("grpc", "private_key");
  config.grpc.client_ca = reader.RequiredPath("grpc", "client_ca");
  config.grpc.trust_domain = reader.Text("grpc", "trust_domain", "");
  if (!config.grpc.trust_domain.empty() && !IsValidTrustDomain(config.grpc.trust_domain)) {
    reader.Fail("grpc", "trust_domain", "must be a SPIFFE trust domain, such as corp.example");
  }
  config.grpc.trust_domains = reader.TrustDomains("grpc", "trust_domains");
  config.https.listen = reader.Address("https", "listen");
  config.https.public_url = reader.Text("https", "public_url", "");
  config.https.certificate = reader.RequiredPath("https", "certificate");
  config.https.private_key = reader.RequiredPath("https", "private_key");
  if (config.https.certificate == config.grpc.certificate ||
      config.https.private_key == config.grpc.private_key) {
    reader.Fail("https", "certificate", "must not be the one of gRPC: the JWKS faces the public");
  }
  if (reader.Has("metrics", "listen")) config.metrics.listen = reader.Address("metrics", "listen");
  config.log.level = reader.Text("log", "level", "info");
  config.debug.core_dumps = reader.Switch("debug", "core_dumps", false);
  return config;
}

}  // namespace

absl::StatusOr<Config> LoadConfig(absl::string_view path, absl::string_view default_hsm_binary) {
  const std::string file(path);
  std::error_code error;
  if (!fs::exists(file, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no configuration file at ", file, "; give one with --config"));
  }
  try {
    Reader reader(file, toml::parse_file(file));
    Config config = ReadConfig(reader, default_hsm_binary);
    if (absl::Status status = reader.Finish(); !status.ok()) return status;
    return config;
  } catch (const toml::parse_error& parse_error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", parse_error.source().begin.line, ": ",
                                                   std::string(parse_error.description())));
  }
}

}  // namespace sealward::app
