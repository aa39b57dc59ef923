#include "server/publish/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/errors.h"

namespace sealward::publish {
namespace {

constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

// A key with a pass phrase must fail; OpenSSL would ask for it on the terminal.
int NoPassPhrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return 0; }

absl::Status Unusable(absl::string_view what, const std::string& path, absl::string_view hint) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_peek_last_error(), reason.data(), reason.size());
  ERR_clear_error();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "TLS_FILE_UNUSABLE",
      absl::StrCat("the ", what, " in ", path, " cannot be used (", reason.data(), "); ", hint));
}

absl::Status RequireClientCertificates(SSL_CTX* context, const std::string& ca_path) {
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca_path.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, ca_path.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return Unusable("client CA", ca_path, "give the authorities' certificates in PEM");
  }
  SSL_CTX_set_client_CA_list(context, names);  // takes it over
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UniqueTlsContext> MakeTlsContext(const std::string& certificate_path,
                                                const std::string& private_key_path,
                                                const std::string& client_ca_path) {
  ERR_clear_error();
  UniqueTlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers) != 1 ||
      SSL_CTX_set_num_tickets(context.get(), 0) != 1) {
    ERR_clear_error();
    return MakeError(absl::StatusCode::kInternal, "TLS_UNAVAILABLE",
                     "OpenSSL gives no TLS context; check its configuration file");
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                         SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassPhrase);

  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_path.c_str()) != 1) {
    return Unusable("certificate", certificate_path,
                    "give a certificate in PEM, followed by its chain");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), private_key_path.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Unusable("private key", private_key_path,
                    absl::StrCat("give the key of ", certificate_path,
                                 " in PEM, without pass phrase, readable by this process"));
  }
  if (!client_ca_path.empty()) {
    absl::Status status = RequireClientCertificates(context.get(), client_ca_path);
    if (!status.ok()) return status;
  }
  return context;
}

std::string PeerCertificatePem(const SSL* connection) {
  X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr) return "";
  BIO* out = BIO_new(BIO_s_mem());
  std::string pem;
  if (out != nullptr && PEM_write_bio_X509(out, certificate) == 1) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    pem.assign(data, static_cast<size_t>(size));
  }
  BIO_free(out);
  return pem;
}

}  // namespace sealward::publish
