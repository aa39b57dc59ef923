// A mutually authenticated connection to sealward-server.
#ifndef SEALWARD_CLIENT_CONNECTION_H_
#define SEALWARD_CLIENT_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"

namespace sealward::client {

// Largest message taken from the server: a batch of 256 JWTs of the longest
// claims fits.
inline constexpr int kMaxReceiveBytes = 32 * 1024 * 1024;
// Largest message sent; the server's own limit is 4 MiB.
inline constexpr int kMaxSendBytes = 4 * 1024 * 1024;
// Largest certificate, CA or key file.
inline constexpr size_t kMaxPemBytes = 1024 * 1024;
// A dead peer is noticed within kKeepaliveTime + kKeepaliveTimeout while calls
// are under way; an idle connection sends nothing.
inline constexpr absl::Duration kKeepaliveTime = absl::Seconds(60);
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
// Pauses between attempts to reconnect.
inline constexpr absl::Duration kFirstReconnectPause = absl::Milliseconds(200);
inline constexpr absl::Duration kLongestReconnectPause = absl::Seconds(5);
// How often the files are looked at again: a renewed certificate is used for
// the next handshake after that, without a restart.
inline constexpr absl::Duration kCertificateRefresh = absl::Seconds(60);

// ConnectionOptions says whom to talk to, and as whom. All four are required.
struct ConnectionOptions {
  std::string target;            // HOST:PORT; HOST must be in the server's certificate
  std::string ca_file;           // PEM: the CAs that may sign the server's certificate
  std::string certificate_file;  // PEM: our certificate, then its intermediates
  std::string private_key_file;  // PEM, not encrypted: its key
};

// Connection is one gRPC channel over mTLS. It is set up by the first call and
// again whenever it breaks. gRPC's own retries, service configs, proxies and
// channelz are off: retries are the Signer's, where a deadline bounds them.
// Thread-safe.
class Connection {
 public:
  // Reads and checks the files; no packet is sent yet. INVALID_ARGUMENT
  // (CONNECTION_INVALID) for a target that is no HOST:PORT; NOT_FOUND
  // (FILE_NOT_FOUND), PERMISSION_DENIED (FILE_UNREADABLE) or INVALID_ARGUMENT
  // (CERTIFICATE_INVALID: not PEM, encrypted, expired, or a key that is not the
  // certificate's) naming the file.
  static absl::StatusOr<std::shared_ptr<Connection>> Open(const ConnectionOptions& options);

  // To the UNIX socket of a server on this machine (grpc.local_listen), which asks
  // the kernel who calls: no certificates. REQUIRES: IsLocal(target).
  static std::shared_ptr<Connection> OpenLocal(const std::string& target);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& target() const { return target_; }

 private:
  Connection(std::string target, std::shared_ptr<grpc::Channel> channel)
      : target_(std::move(target)), channel_(std::move(channel)) {}

  std::string target_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Whether `target` is unix:/PATH.
bool IsLocal(absl::string_view target);

// Makes this process refuse TLS 1.2 in every gRPC connection; without it a
// client offers 1.2 too and leaves the choice to the server, and sealward-server
// takes nothing but 1.3. gRPC 1.51 has no option for it, only an environment
// variable that it reads once: call this at the start of main, before any
// thread and any use of gRPC.
void RequireTls13();

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_CONNECTION_H_
