// An HTTPS server for small documents: publication and metrics. Boost stays
// behind this header.
#ifndef SEALWARD_SERVER_PUBLISH_HTTPS_SERVER_H_
#define SEALWARD_SERVER_PUBLISH_HTTPS_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/publish/http_message.h"

namespace sealward::publish {

// HttpsLimits bounds what one client, or all of them, can hold.
struct HttpsLimits {
  size_t header_bytes = 8 * 1024;  // request line and headers: 431 beyond
  size_t connections = 1024;       // one more is closed at once
  absl::Duration handshake = absl::Seconds(5);
  // From the end of one response to the end of the next request's headers, so
  // it bounds both idle connections and headers sent byte by byte.
  absl::Duration request = absl::Seconds(30);
  absl::Duration response = absl::Seconds(10);  // until the client has taken it
  absl::Duration shutdown = absl::Seconds(2);   // until the client has said goodbye
};

// HttpsOptions is what a server needs to start.
struct HttpsOptions {
  std::string listen;            // "127.0.0.1:8443" or "[::1]:8443"; port 0: any free one
  std::string certificate_path;  // PEM: the certificate, then its chain
  std::string private_key_path;  // PEM, without pass phrase
  // Authorities in PEM. If set, a client must show a certificate of theirs.
  std::string client_ca_pem;
  // The principal of a client certificate in PEM that TLS has accepted, and of the
  // chain that came with it; used with client_ca_pem and asked for every request.
  // An error is an empty principal.
  std::function<absl::StatusOr<std::string>(absl::string_view pem, absl::string_view chain_pem)>
      principal_of;
  int threads = 1;  // 1 to kMaxHttpsThreads; handlers run on them
  HttpsLimits limits;
};
inline constexpr int kMaxHttpsThreads = 16;

// HttpsServer answers GET and HEAD over TLS 1.2 or later, HTTP/1.1 with
// keep-alive. Requests with a body are refused (413), other methods too (405).
// A slow client costs a connection and nothing else; no thread waits for it.
class HttpsServer {
 public:
  // Binds, and serves from when it returns. REQUIRES: `clock` outlives it.
  // INVALID_ARGUMENT (LISTEN_ADDRESS_INVALID, TLS_FILE_UNUSABLE, naming the file);
  // UNAVAILABLE (ADDRESS_IN_USE); INTERNAL for what the system refuses otherwise.
  static absl::StatusOr<std::unique_ptr<HttpsServer>> Start(HttpsOptions options,
                                                            HttpHandler handler,
                                                            const Clock* clock);
  // Stops with a deadline of zero.
  ~HttpsServer();

  // The bound address, "127.0.0.1:41234".
  std::string address() const;
  uint16_t port() const;

  // Reads the certificate and its key again and takes them and `client_ca_pem` for
  // the connections that come from now on. After an error (TLS_FILE_UNUSABLE) all
  // stays as it was. Any thread.
  absl::Status Reload(std::string client_ca_pem);

  // Stops accepting, closes idle connections, lets requests under way finish for
  // at most `deadline`, then cuts the rest off. Returns when all threads have
  // ended: a handler that is running is waited for, so a handler must not call it.
  // Calling it again does nothing.
  void Stop(absl::Duration deadline);

 private:
  struct Impl;
  explicit HttpsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_HTTPS_SERVER_H_
