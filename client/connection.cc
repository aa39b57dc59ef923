#include "client/connection.h"

#include <grpc/grpc_security.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/certificate_keeper.h"
#include "client/channel_watch.h"
#include "common/errors.h"
#include "common/grpc_tls.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace sealward::client {
namespace {

constexpr int kMaxPort = 65535;

absl::Status CheckTarget(absl::string_view target) {
  const size_t colon = target.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(target.substr(colon + 1), &port) || port < 1 || port > kMaxPort) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CONNECTION_INVALID",
                     absl::StrCat("\"", target,
                                  "\" is no server address; it is HOST:PORT, for example "
                                  "localhost:7444"));
  }
  return absl::OkStatus();
}

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

grpc::ChannelArguments Arguments(const ConnectionOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  arguments.SetMaxSendMessageSize(kMaxSendBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0);
  // By default gRPC stops after two pings under a call that moves no data.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Millis(kFirstReconnectPause));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Millis(kLongestReconnectPause));
  // Two Connections with different certificates must never share a socket.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

// `channel`, with its certificates for as long as somebody holds it.
std::shared_ptr<grpc::Channel> WithKeeper(std::shared_ptr<CertificateKeeper> certificates,
                                          std::shared_ptr<grpc::Channel> channel) {
  struct Both {
    std::shared_ptr<CertificateKeeper> certificates;
    std::shared_ptr<grpc::Channel> channel;  // goes first
  };
  auto both = std::make_shared<Both>(Both{std::move(certificates), std::move(channel)});
  grpc::Channel* const shown = both->channel.get();
  return {std::move(both), shown};
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  KeepOpenSslForGrpc();  // as gRPC does by itself from 1.83 on
  if (auto status = CheckTarget(options.target); !status.ok()) return status;
  auto opened =
      CertificateKeeper::Open({options.ca_file, options.certificate_file, options.private_key_file},
                              options.certificate_refresh, options.metrics);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<CertificateKeeper> certificates = *std::move(opened);
  auto channel =
      grpc::CreateCustomChannel(options.target, certificates->Credentials(), Arguments(options));
  std::shared_ptr<Connection> connection(
      new Connection(options.target, std::move(certificates), std::move(channel)));
  // With the certificates: whoever holds the channel last holds them, too.
  if (options.metrics != nullptr) WatchChannel(connection->channel_, options.metrics);
  return connection;
}

Connection::Connection(std::string target, std::shared_ptr<CertificateKeeper> certificates,
                       std::shared_ptr<grpc::Channel> channel)
    : target_(std::move(target)),
      certificates_(std::move(certificates)),
      channel_(WithKeeper(certificates_, std::move(channel))) {}

absl::Status Connection::ReloadCertificates() {
  return certificates_ == nullptr ? absl::OkStatus() : certificates_->Reload();
}

bool IsLocal(absl::string_view target) { return absl::StartsWith(target, "unix:/"); }

std::shared_ptr<Connection> Connection::OpenLocal(const std::string& target) {
  return std::shared_ptr<Connection>(new Connection(
      target, nullptr,
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), Arguments({}))));
}

}  // namespace sealward::client
