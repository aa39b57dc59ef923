// One run of a command: its settings, its connection, and where it prints.
#ifndef SEALWARD_CLIENT_CLI_SESSION_H_
#define SEALWARD_CLIENT_CLI_SESSION_H_

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/profile.h"
#include "client/connection.h"
#include "client/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/client_context.h"

namespace sealward::client::cli {

// GlobalOptions is the flags that every command takes, as given.
struct GlobalOptions {
  std::string config;
  Profile flags;
  std::string output = "table";
  std::string timeout = "30s";
  std::string request_id;
};

// Session carries out one command. Not thread-safe.
class Session {
 public:
  // Reads the profile. INVALID_ARGUMENT (USAGE).
  static absl::StatusOr<std::unique_ptr<Session>> Create(const GlobalOptions& options,
                                                         std::ostream& out);

  // Connections to the admin and to the signing listener. INVALID_ARGUMENT for
  // a setting that is missing or a file that cannot be used.
  absl::StatusOr<std::shared_ptr<Connection>> Admin() const;
  absl::StatusOr<std::shared_ptr<Connection>> Signing() const;

  // When the command has to have its answer.
  absl::Time Deadline() const;

  // The resource that the command is about, for error messages.
  void SetSubject(std::string subject) { subject_ = std::move(subject); }
  const std::string& subject() const { return subject_; }

  // The exit code of the command if it succeeds; kExitOk unless this was called.
  void SetExitCode(int code) { exit_code_ = code; }
  int exit_code() const { return exit_code_; }

  // Prints the answer: `message` with -o json, else `text`.
  void Print(const google::protobuf::Message& message, absl::string_view text) const;

  // One RPC on the admin listener: Call<v1::TenantService>(&Stub::GetTenant, request).
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                                const Request& request) const {
    auto connection = Admin();
    if (!connection.ok()) return connection.status();
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(Deadline()));
    Response response;
    const auto stub = Service::NewStub((*connection)->channel());
    const grpc::Status status = ((*stub).*method)(&context, WithRequestId(request), &response);
    if (!status.ok()) return FromGrpcStatus(status, (*connection)->target());
    return response;
  }

 private:
  Session(Profile profile, const GlobalOptions& options, absl::Duration timeout, std::ostream& out)
      : profile_(std::move(profile)),
        json_(options.output == "json"),
        timeout_(timeout),
        request_id_(options.request_id),
        out_(out) {}

  // What changes nothing takes no request_id.
  template <typename Request>
  Request WithRequestId(Request request) const {
    if constexpr (requires { request.set_request_id(request_id_); }) {
      request.set_request_id(request_id_);
    }
    return request;
  }
  absl::StatusOr<std::shared_ptr<Connection>> Open(const std::string& target) const;

  const Profile profile_;
  const bool json_;
  const absl::Duration timeout_;
  const std::string request_id_;  // empty for none
  std::ostream& out_;
  std::string subject_;
  int exit_code_ = 0;
};

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_SESSION_H_
