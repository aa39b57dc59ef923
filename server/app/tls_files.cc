#include "server/app/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"

namespace sealward::app {
namespace {

using UniqueBio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using UniqueCertificate = std::unique_ptr<X509, decltype(&X509_free)>;
using UniquePrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status FileError(const std::string& path, absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::StatusOr<std::string> ReadFile(const std::string& path, absl::string_view must_be) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxTlsFileBytes + 1, '\0');
  if (!file.is_open() || (file.read(text.data(), std::ssize(text)), file.bad())) {
    return FileError(path, absl::StrCat("cannot be read; it must be ", must_be));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxTlsFileBytes) {
    return FileError(path, absl::StrCat("is larger than ", kMaxTlsFileBytes, " bytes"));
  }
  return text;
}

UniqueBio Reading(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

// A key with a pass phrase must fail; OpenSSL would ask for it on the terminal.
int NoPassPhrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

UniqueCertificate ParseCertificate(const std::string& pem) {
  const UniqueBio in = Reading(pem);
  return {in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr, X509_free};
}

UniquePrivateKey ParsePrivateKey(const std::string& pem) {
  const UniqueBio in = Reading(pem);
  return {in ? PEM_read_bio_PrivateKey(in.get(), nullptr, NoPassPhrase, nullptr) : nullptr,
          EVP_PKEY_free};
}

}  // namespace

absl::StatusOr<TlsIdentity> ReadTlsIdentity(const std::string& certificate,
                                            const std::string& private_key) {
  auto certificate_pem = ReadFile(certificate, "a certificate in PEM");
  if (!certificate_pem.ok()) return certificate_pem.status();
  const UniqueCertificate parsed = ParseCertificate(*certificate_pem);
  if (!parsed) return FileError(certificate, "holds no certificate in PEM");
  auto key_pem = ReadFile(private_key, "a private key");
  if (!key_pem.ok()) return key_pem.status();
  const UniquePrivateKey key = ParsePrivateKey(*key_pem);
  if (!key) return FileError(private_key, "holds no private key in PEM without pass phrase");
  if (X509_check_private_key(parsed.get(), key.get()) != 1) {
    return FileError(private_key, absl::StrCat("is not the private key of ", certificate));
  }
  return TlsIdentity{*std::move(certificate_pem), *std::move(key_pem)};
}

absl::Status CheckDates(const TlsIdentity& identity, const std::string& path, absl::Time now) {
  const UniqueCertificate parsed = ParseCertificate(identity.certificate);
  time_t at = absl::ToTimeT(now);
  if (!parsed || X509_cmp_time(X509_get0_notAfter(parsed.get()), &at) <= 0) {
    return FileError(path, "has expired");
  }
  if (X509_cmp_time(X509_get0_notBefore(parsed.get()), &at) > 0) {
    return FileError(path, "is not valid yet");
  }
  return absl::OkStatus();
}

auth::BundleRules BundleRulesOf(const Config& config) {
  return {config.environment == Config::Environment::kDevelopment};
}

absl::StatusOr<std::vector<auth::TrustBundle>> ReadTrustBundles(const Config::Grpc& config,
                                                                const auth::BundleRules& rules) {
  std::vector<auth::TrustBundle> bundles;
  const auto add = [&](const std::string& domain, const std::string& path) -> absl::Status {
    auto pem = ReadFile(path, "CA certificates in PEM");
    if (!pem.ok()) return pem.status();
    auto certificates = auth::ParseBundle(*pem, rules);
    if (!certificates.ok()) return FileError(path, certificates.status().message());
    bundles.push_back({domain, *std::move(certificates)});
    return absl::OkStatus();
  };
  absl::Status status = add(std::string(auth::kSubjects), config.client_ca);
  if (status.ok() && !config.trust_domain.empty()) {
    bundles.push_back({config.trust_domain, bundles.front().certificates});
  }
  for (const Config::TrustDomain& domain : config.trust_domains) {
    if (status.ok()) status = add(domain.name, domain.bundle);
  }
  if (!status.ok()) return status;
  return bundles;
}

}  // namespace sealward::app
