#include "server/auth/trust_bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/auth/certificate.h"

namespace sealward::auth {
namespace {

absl::Status Invalid(absl::string_view what) {
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInvalidArgument, "CA_BUNDLE_INVALID",
                   absl::StrCat("the CA bundle ", what));
}

// Block is one -----BEGIN … END----- of a file; it wipes what it held.
struct Block {
  ~Block() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<size_t>(size));
  }
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;  // NOLINT(google-runtime-int): OpenSSL's
};

bool IsDevelopment(const X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  int at = -1;
  while ((at = X509_NAME_get_index_by_NID(subject, NID_organizationName, at)) >= 0) {
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const absl::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                 static_cast<size_t>(ASN1_STRING_length(value)));
    if (text == kDevelopmentOrganization) return true;
  }
  return false;
}

absl::StatusOr<CaCertificate> Check(const Block& block, size_t number, const BundleRules& rules) {
  const auto invalid = [number](absl::string_view what) {
    return Invalid(absl::StrCat("is refused for its certificate ", number, ": ", what));
  };
  const absl::string_view name(block.name);
  if (absl::StrContains(name, "PRIVATE KEY")) {
    return Invalid(
        "holds a private key: that one is to be considered exposed; give certificates only");
  }
  if (name != PEM_STRING_X509) return Invalid("holds a PEM block that is no certificate");
  const unsigned char* at = block.data;
  const X509Ptr certificate(d2i_X509(nullptr, &at, block.size));
  if (certificate == nullptr || at != block.data + block.size) return invalid("it cannot be read");
  // 1: version 3 with CA:TRUE, and no keyUsage that forbids signing certificates.
  if (X509_check_ca(certificate.get()) != 1) {
    return invalid("it is not one of a CA; it needs basicConstraints with CA:TRUE");
  }
  if (!rules.allow_development && IsDevelopment(certificate.get())) {
    return invalid(
        "it is a development CA, made by tools/dev_ca.sh, whose key is no secret; use a CA of your "
        "own, or set environment = \"development\"");
  }
  CaCertificate ca;
  ca.pem = ToPem(certificate.get());
  ca.subject = SubjectName(certificate.get());
  ca.fingerprint = Fingerprint(certificate.get());
  ca.start_time = StartTime(certificate.get());
  ca.expire_time = ExpireTime(certificate.get());
  return ca;
}

}  // namespace

absl::StatusOr<std::vector<CaCertificate>> ParseBundle(absl::string_view pem,
                                                       const BundleRules& rules) {
  if (pem.size() > kMaxBundleBytes) {
    return Invalid(absl::StrCat("is larger than ", kMaxBundleBytes, " bytes"));
  }
  ERR_clear_error();
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (in == nullptr) return Invalid("cannot be read");
  std::vector<CaCertificate> certificates;
  while (true) {
    Block block;
    if (PEM_read_bio(in.get(), &block.name, &block.header, &block.data, &block.size) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) break;  // the end
      return Invalid("has a PEM block that is cut off or malformed");
    }
    if (certificates.size() == kMaxBundleCertificates) {
      return Invalid(absl::StrCat("holds more than ", kMaxBundleCertificates, " certificates"));
    }
    auto ca = Check(block, certificates.size() + 1, rules);
    if (!ca.ok()) return ca.status();
    if (std::any_of(certificates.begin(), certificates.end(), [&ca](const CaCertificate& other) {
          return other.fingerprint == ca->fingerprint;
        })) {
      return Invalid("holds the same certificate twice");
    }
    certificates.push_back(*std::move(ca));
  }
  ERR_clear_error();
  if (certificates.empty()) return Invalid("holds no certificate in PEM");
  return certificates;
}

std::string ToPem(const std::vector<CaCertificate>& certificates) {
  std::string pem;
  for (const CaCertificate& each : certificates) pem += each.pem;
  return pem;
}

}  // namespace sealward::auth
