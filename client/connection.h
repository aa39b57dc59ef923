// A mutually authenticated connection to sealward-server.
#ifndef SEALWARD_CLIENT_CONNECTION_H_
#define SEALWARD_CLIENT_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/metrics.h"
#include "common/grpc_tls.h"
#include "grpcpp/channel.h"

namespace sealward::client {

class CertificateKeeper;

// Largest message taken from the server: a batch of 256 JWTs of the longest
// claims fits.
inline constexpr int kMaxReceiveBytes = 32 * 1024 * 1024;
// Largest message sent; the server's own limit is 4 MiB.
inline constexpr int kMaxSendBytes = 4 * 1024 * 1024;
// Largest certificate, CA or key file.
inline constexpr size_t kMaxPemBytes = 1024 * 1024;
// A dead peer is noticed within kKeepaliveTime + kKeepaliveTimeout while calls
// are under way: they end with UNAVAILABLE, and the Signer asks again over a new
// connection. An idle connection sends nothing.
inline constexpr absl::Duration kKeepaliveTime = absl::Seconds(60);
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
// Pauses between attempts to reconnect.
inline constexpr absl::Duration kFirstReconnectPause = absl::Milliseconds(200);
inline constexpr absl::Duration kLongestReconnectPause = absl::Seconds(5);
// How often the files are looked at again.
inline constexpr absl::Duration kCertificateRefresh = absl::Seconds(60);

// ConnectionOptions says whom to talk to, and as whom. The first four are required.
struct ConnectionOptions {
  std::string target;            // HOST:PORT; HOST must be in the server's certificate
  std::string ca_file;           // PEM: the CAs that may sign the server's certificate
  std::string certificate_file;  // PEM: our certificate, then its intermediates
  std::string private_key_file;  // PEM, not encrypted: its key
  // sealward-server ends a connection that pings more often than every 10 s.
  absl::Duration keepalive_time = kKeepaliveTime;
  absl::Duration keepalive_timeout = kKeepaliveTimeout;
  absl::Duration certificate_refresh = kCertificateRefresh;
  std::shared_ptr<Metrics> metrics = nullptr;  // of connects and certificates
};

// Connection is one gRPC channel over mTLS. It is set up by the first call and
// again whenever it breaks. gRPC's own retries, service configs, proxies and
// channelz are off: retries are the Signer's, where a deadline bounds them.
//
// Certificates: renewed files are taken over without a restart, certificate and key
// together, and used from the next handshake on; open connections stay. Files that
// are bad (half written, expired, not PEM) are not taken over: the last good ones
// stay, and Metrics::OnCertificates tells. Threads: thread-safe.
class Connection {
 public:
  // Reads and checks the files; no packet is sent yet. INVALID_ARGUMENT
  // (CONNECTION_INVALID) for a target that is no HOST:PORT; NOT_FOUND
  // (FILE_NOT_FOUND), PERMISSION_DENIED (FILE_UNREADABLE) or INVALID_ARGUMENT
  // (CERTIFICATE_INVALID: not PEM, encrypted, expired, or a key that is not the
  // certificate's) naming the file. The first Open, where nothing has used OpenSSL before,
  // keeps OpenSSL to the end of the process (common/grpc_tls.h).
  static absl::StatusOr<std::shared_ptr<Connection>> Open(const ConnectionOptions& options);

  // To the UNIX socket of a server on this machine (grpc.local_listen), which asks
  // the kernel who calls: no certificates. REQUIRES: IsLocal(target).
  static std::shared_ptr<Connection> OpenLocal(const std::string& target);

  // Looks at the files now instead of at the next certificate_refresh. OK: within a
  // second handshakes take what they hold. Errors as Open's; then nothing changes.
  absl::Status ReloadCertificates();

  // Keeps alive what it needs of the Connection.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& target() const { return target_; }

 private:
  Connection(std::string target, std::shared_ptr<CertificateKeeper> certificates,
             std::shared_ptr<grpc::Channel> channel);

  const std::string target_;
  const std::shared_ptr<CertificateKeeper> certificates_;  // null for OpenLocal
  const std::shared_ptr<grpc::Channel> channel_;
};

// Whether `target` is unix:/PATH.
bool IsLocal(absl::string_view target);

// For main (common/grpc_tls.h): without it a client offers TLS 1.2 too and leaves the
// choice to the server, and sealward-server takes nothing but 1.3.
using sealward::RequireTls13;

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_CONNECTION_H_
