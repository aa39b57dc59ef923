#include "common/grpc_tls.h"

#include <openssl/crypto.h>

#include <cstdlib>

namespace sealward {

void RequireTls13() {
  // gRPC gives this to SSL_CTX_set_cipher_list, which governs TLS 1.2 and below only;
  // 1.3 has suites of its own. A pre-shared-key suite can never be agreed on, as nobody
  // configures a key.
  ::setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1);
}

void KeepOpenSslForGrpc() { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr); }

}  // namespace sealward
