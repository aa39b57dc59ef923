// sealward debug bundle
#include <fcntl.h>
#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/alarms.h"
#include "client/cli/bundle/allowed.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "common/version.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "sealward/v1/key_service.grpc.pb.h"
#include "sealward/v1/status_service.grpc.pb.h"
#include "sealward/v1/tenant_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using nlohmann::json;

// Of a log or of metrics the last bytes.
constexpr std::streamoff kMaxTextBytes = 4 * 1024 * 1024;

struct Flags {
  std::string directory;
  std::string config;
  std::string log;
  std::string metrics;
};

absl::StatusOr<std::string> ReadTail(absl::string_view flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file.is_open()) return UsageError(absl::StrCat(flag, ": cannot read ", path));
  const std::streamoff size = file.tellg();
  const std::streamoff from = std::max<std::streamoff>(0, size - kMaxTextBytes);
  std::string text(static_cast<size_t>(size - from), '\0');
  file.seekg(from);
  file.read(text.data(), std::ssize(text));
  if (!file) return UsageError(absl::StrCat(flag, ": cannot read ", path));
  return text;
}

absl::Status WriteFile(const Flags& flags, const std::string& name, const json& content) {
  const std::string path = absl::StrCat(flags.directory, "/", name, ".json");
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::string text = absl::StrCat(content.dump(2), "\n");
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == std::ssize(text);
  const int error = errno;
  if (fd >= 0) close(fd);
  return written ? absl::OkStatus()
                 : absl::UnavailableError(absl::StrCat("write ", path, ": ", std::strerror(error)));
}

json Versions(const json& status) {
  utsname system{};
  uname(&system);
  return {{"sealward", kVersion},
          {"server", status.value("server_version", "")},
          {"grpc", grpc::Version()},
          {"protobuf", google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION)},
          {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
          {"kernel", system.release},
          {"machine", system.machine}};
}

// How much there is, not what or whose.
absl::StatusOr<json> Counts(const Session& session) {
  using Tenants = v1::TenantService;
  using Keys = v1::KeyService;
  auto tenants = ListAll<Tenants>(session, &Tenants::Stub::ListTenants, v1::ListTenantsRequest(),
                                  [](v1::ListTenantsResponse& page, v1::ListTenantsResponse& all) {
                                    for (auto& each : *page.mutable_tenants()) {
                                      all.add_tenants()->Swap(&each);
                                    }
                                  });
  if (!tenants.ok()) return tenants.status();
  int keys = 0;
  for (const v1::Tenant& tenant : tenants->tenants()) {
    v1::ListKeysRequest request;
    request.set_parent(tenant.name());
    auto listed = ListAll<Keys>(
        session, &Keys::Stub::ListKeys, request,
        [&keys](v1::ListKeysResponse& page, v1::ListKeysResponse&) { keys += page.keys_size(); });
    if (!listed.ok()) return listed.status();
  }
  return json{{"tenants", tenants->tenants_size()}, {"keys", keys}};
}

// What a part of the bundle could not be made from: the kind of error, not its words.
json Missing(const absl::Status& status) {
  return {{"missing", absl::StatusCodeToString(status.code())}};
}

absl::Status WriteServersParts(Session& session, const Flags& flags) {
  const auto status = session.Call<v1::StatusService>(&v1::StatusService::Stub::GetServiceStatus,
                                                      v1::GetServiceStatusRequest());
  const json shown = status.ok() ? bundle::AllowedStatus(*status) : Missing(status.status());
  const auto alarms = ListAlarms(session, "");
  const auto counts = Counts(session);
  absl::Status written = WriteFile(flags, "status", shown);
  if (written.ok()) written = WriteFile(flags, "versions", Versions(shown));
  if (written.ok()) {
    written = WriteFile(flags, "alarms",
                        alarms.ok() ? bundle::AllowedAlarms(*alarms) : Missing(alarms.status()));
  }
  if (written.ok()) {
    written = WriteFile(flags, "counts", counts.ok() ? *counts : Missing(counts.status()));
  }
  return written;
}

absl::Status WriteFilesParts(const Flags& flags) {
  const struct {
    const char* flag;
    const char* name;
    const std::string& path;
    json (*allowed)(absl::string_view);
  } parts[] = {{"--server-config", "config", flags.config, bundle::AllowedConfig},
               {"--log", "log", flags.log, bundle::AllowedLog},
               {"--metrics", "metrics", flags.metrics, bundle::AllowedMetrics}};
  for (const auto& part : parts) {
    if (part.path.empty()) continue;
    const auto text = ReadTail(part.flag, part.path);
    if (!text.ok()) return text.status();
    if (absl::Status s = WriteFile(flags, part.name, part.allowed(*text)); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Bundle(Session& session, const Flags& flags) {
  session.SetSubject(flags.directory);
  if (mkdir(flags.directory.c_str(), 0700) != 0) {
    return UsageError(
        absl::StrCat("cannot make the directory ", flags.directory, ": ", std::strerror(errno)));
  }
  if (absl::Status s = WriteFilesParts(flags); !s.ok()) return s;
  if (absl::Status s = WriteServersParts(session, flags); !s.ok()) return s;
  google::protobuf::Struct answer;
  (*answer.mutable_fields())["directory"].set_string_value(flags.directory);
  session.Print(
      answer, absl::StrCat("wrote ", flags.directory, ": look through it before you pass it on\n"));
  return absl::OkStatus();
}

}  // namespace

void AddDebugCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "debug", "Collect what helps to find a fault");
  CLI::App* command = AddCommand(
      *group, chosen, "bundle", "Write a directory of JSON that can be passed on",
      "Holds versions, status, alarms and counts, as far as your roles let you read them, and\n"
      "what you name of configuration, log and metrics. Only what is on a list is taken over:\n"
      "numbers, times, fixed words. No names of tenants or keys, no texts, no paths, nothing\n"
      "of the environment.\n\n"
      "Example:\n  sealward debug bundle /tmp/bundle --server-config /etc/sealward/server.toml \\\n"
      "    --log server.log",
      [flags](Session& session) { return Bundle(session, *flags); });
  command->add_option("DIRECTORY", flags->directory, "To be made")->required();
  command->add_option("--server-config", flags->config, "The server's configuration file");
  command->add_option("--log", flags->log, "A file with the server's or the signer's log");
  command->add_option("--metrics", flags->metrics, "A file with what /metrics answered");
}

}  // namespace sealward::client::cli
