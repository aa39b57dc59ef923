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

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using UniqueBio = std::unique_ptr<BIO, FreeBio>;

absl::Status RequireClientCertificates(SSL_CTX* context, const std::string& ca_pem) {
  const UniqueBio in(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (X509* ca =
             in == nullptr ? nullptr : PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    if (X509_STORE_add_cert(store, ca) == 1 && SSL_CTX_add_client_CA(context, ca) == 1) ++count;
    X509_free(ca);
  }
  ERR_clear_error();  // the end of the text is one
  if (count == 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "TLS_FILE_UNUSABLE",
                     "there is no client CA; give the authorities' certificates in PEM");
  }
  // An authority is trusted whether or not it is a root, as on the gRPC listeners.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return absl::OkStatus();
}

void AppendPem(X509* certificate, std::string& pem) {
  const UniqueBio out(BIO_new(BIO_s_mem()));
  if (out == nullptr || PEM_write_bio_X509(out.get(), certificate) != 1) return;
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  pem.append(data, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<UniqueTlsContext> MakeTlsContext(const std::string& certificate_path,
                                                const std::string& private_key_path,
                                                const std::string& client_ca_pem) {
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
  if (!client_ca_pem.empty()) {
    absl::Status status = RequireClientCertificates(context.get(), client_ca_pem);
    if (!status.ok()) return status;
  }
  return context;
}

std::string PeerCertificatePem(const SSL* connection) {
  std::string pem;
  X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate != nullptr) AppendPem(certificate, pem);
  return pem;
}

std::string PeerChainPem(const SSL* connection) {
  std::string pem;
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(connection);  // a server's is without the leaf
  for (int i = 0; i < sk_X509_num(chain); ++i) AppendPem(sk_X509_value(chain, i), pem);
  return pem;
}

}  // namespace sealward::publish
