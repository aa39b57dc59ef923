#include "client/connection.h"

#include <grpc/grpc_security.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "client/pem_files.h"
#include "common/errors.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

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

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  arguments.SetMaxSendMessageSize(kMaxSendBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(kKeepaliveTime));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(kKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Millis(kFirstReconnectPause));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Millis(kLongestReconnectPause));
  // Two Connections with different certificates must never share a socket.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  if (auto status = CheckTarget(options.target); !status.ok()) return status;
  if (auto status = CheckPemFiles(options.ca_file, options.certificate_file,
                                  options.private_key_file, absl::Now());
      !status.ok()) {
    return status;
  }
  auto files = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.private_key_file, options.certificate_file, options.ca_file,
      static_cast<unsigned>(absl::ToInt64Seconds(kCertificateRefresh)));
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::move(files));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  auto channel = grpc::CreateCustomChannel(options.target, grpc::experimental::TlsCredentials(tls),
                                           Arguments());
  return std::shared_ptr<Connection>(new Connection(options.target, std::move(channel)));
}

bool IsLocal(absl::string_view target) { return absl::StartsWith(target, "unix:/"); }

std::shared_ptr<Connection> Connection::OpenLocal(const std::string& target) {
  return std::shared_ptr<Connection>(new Connection(
      target, grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), Arguments())));
}

void RequireTls13() {
  // gRPC gives this to SSL_CTX_set_cipher_list, which governs TLS 1.2 and below
  // only; 1.3 has suites of its own. A pre-shared-key suite can never be agreed
  // on, as nobody configures a key.
  ::setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1);
}

}  // namespace sealward::client
