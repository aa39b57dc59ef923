#include "server/app/config.h"

#include <toml++/toml.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/app/config_partitions.h"
#include "server/app/config_reader.h"

namespace sealward::app {
namespace {

Config ReadConfig(ConfigReader& reader, absl::string_view default_hsm_binary) {
  Config config;
  const std::string environment = reader.Text("", "environment", "production");
  if (environment == "development") {
    config.environment = Config::Environment::kDevelopment;
  } else if (environment != "production") {
    reader.Fail("", "environment", "must be \"production\" or \"development\"");
  }
  config.store.path = reader.RequiredPath("store", "path");
  ReadPartitions(reader, default_hsm_binary, config);
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
  config.grpc.local_listen = reader.Absolute(reader.Text("grpc", "local_listen", ""));
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
  config.development.short_margins = reader.Switch("development", "short_margins", false);
  if (config.development.short_margins && config.environment != Config::Environment::kDevelopment) {
    reader.Fail("development", "short_margins",
                "makes honest JWTs fail where clocks differ: it is for environment = "
                "\"development\" only");
  }
  return config;
}

}  // namespace

absl::StatusOr<Config> LoadConfig(absl::string_view path, absl::string_view default_hsm_binary) {
  const std::string file(path);
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no configuration file at ", file, "; give one with --config"));
  }
  try {
    ConfigReader reader(file, toml::parse_file(file));
    Config config = ReadConfig(reader, default_hsm_binary);
    if (absl::Status status = reader.Finish(); !status.ok()) return status;
    return config;
  } catch (const toml::parse_error& parse_error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", parse_error.source().begin.line, ": ",
                                                   std::string(parse_error.description())));
  }
}

}  // namespace sealward::app
