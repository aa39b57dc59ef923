// The TLS side of the HTTPS server. Private to server/publish.
#ifndef SEALWARD_SERVER_PUBLISH_TLS_CONTEXT_H_
#define SEALWARD_SERVER_PUBLISH_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sealward::publish {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using UniqueTlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

// A server context: TLS 1.2 (AEAD and forward secrecy only, RFC 9325) or 1.3, no
// renegotiation, no resumption, so that every connection shows its certificate.
// With `client_ca_pem` a client must show one of these authorities'.
// INVALID_ARGUMENT (TLS_FILE_UNUSABLE), naming the file.
absl::StatusOr<UniqueTlsContext> MakeTlsContext(const std::string& certificate_path,
                                                const std::string& private_key_path,
                                                const std::string& client_ca_pem);

// The peer's certificate in PEM, or empty if it has shown none.
std::string PeerCertificatePem(const SSL* connection);

// The certificates that came with it, in PEM.
std::string PeerChainPem(const SSL* connection);

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_TLS_CONTEXT_H_
