#include "server/app/credentials.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace sealward::app {
namespace {

using UniqueBio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using UniqueCertificate = std::unique_ptr<X509, decltype(&X509_free)>;
using UniquePrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status FileError(const std::string& path, absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::StatusOr<UniqueCertificate> ReadCertificate(const std::string& path) {
  const UniqueBio file(BIO_new_file(path.c_str(), "r"), BIO_free);
  if (!file) return FileError(path, "cannot be read; it must be a certificate in PEM");
  UniqueCertificate certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr),
                                X509_free);
  if (!certificate) return FileError(path, "holds no certificate in PEM");
  return certificate;
}

// gRPC itself says nothing useful about a bad file: it fails every handshake.
absl::Status CheckFiles(const Config::Grpc& config) {
  auto certificate = ReadCertificate(config.certificate);
  if (!certificate.ok()) return certificate.status();
  auto ca = ReadCertificate(config.client_ca);
  if (!ca.ok()) return ca.status();
  const UniqueBio file(BIO_new_file(config.private_key.c_str(), "r"), BIO_free);
  if (!file) return FileError(config.private_key, "cannot be read; it must be a private key");
  const UniquePrivateKey key(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr),
                             EVP_PKEY_free);
  if (!key) return FileError(config.private_key, "holds no private key in PEM");
  if (X509_check_private_key(certificate->get(), key.get()) != 1) {
    return FileError(config.private_key,
                     absl::StrCat("is not the private key of ", config.certificate));
  }
  return absl::OkStatus();
}

}  // namespace

void RequireTls13() {
  // A pre-shared-key suite is a valid TLS 1.2 list that no handshake of ours can
  // use. TLS 1.3 suites are not governed by it (OpenSSL, SSL_CTX_set_cipher_list).
  setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES128-GCM-SHA256", 1);
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Config::Grpc& config) {
  if (absl::Status files = CheckFiles(config); !files.ok()) return files;
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      config.private_key, config.certificate, config.client_ca, kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace sealward::app
