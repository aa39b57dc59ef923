#include "client/cli/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"
#include "common/errors.h"

namespace sealward::client::cli {

absl::StatusOr<std::unique_ptr<Session>> Session::Create(const GlobalOptions& options,
                                                         std::ostream& out) {
  auto timeout = ParseDuration("--timeout", options.timeout);
  if (!timeout.ok()) return timeout.status();
  Profile file;
  if (!options.config.empty()) {
    auto read = ReadProfile(options.config);
    if (!read.ok()) return read.status();
    file = *std::move(read);
  }
  return std::unique_ptr<Session>(new Session(Merge(options.flags, file), options, *timeout, out));
}

absl::Time Session::Deadline() const { return absl::Now() + timeout_; }

absl::StatusOr<std::shared_ptr<Connection>> Session::Admin() const { return Open(profile_.server); }

absl::StatusOr<std::shared_ptr<Connection>> Session::Signing() const {
  // The admin listener signs too.
  return Open(profile_.signing_server.empty() ? profile_.server : profile_.signing_server);
}

absl::StatusOr<std::shared_ptr<Connection>> Session::Open(const std::string& target) const {
  if (IsLocal(target)) return Connection::OpenLocal(target);
  const std::pair<const char*, const std::string*> needed[] = {
      {"server", &target}, {"cert", &profile_.cert}, {"key", &profile_.key}, {"ca", &profile_.ca}};
  for (const auto& [name, value] : needed) {
    if (!value->empty()) continue;
    return UsageError(absl::StrCat("no --", name, " given; set it, or put ", name,
                                   " = \"…\" into a profile file and name that with --config or "
                                   "SEALWARD_CONFIG"));
  }
  auto connection = Connection::Open({target, profile_.ca, profile_.cert, profile_.key});
  if (connection.ok()) return connection;
  // Whatever is wrong with local files is for whoever typed the command.
  return MakeError(absl::StatusCode::kInvalidArgument, ErrorReason(connection.status()),
                   connection.status().message());
}

void Session::Print(const google::protobuf::Message& message, absl::string_view text) const {
  out_ << (json_ ? ToJson(message) : std::string(text)) << std::flush;
}

}  // namespace sealward::client::cli
