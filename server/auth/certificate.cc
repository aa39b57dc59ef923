#include "server/auth/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>

#include "absl/strings/escaping.h"

namespace sealward::auth {
namespace {

BioPtr Reading(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);  // NOLINT(google-runtime-int): OpenSSL's
  return {data, static_cast<size_t>(size)};
}

// A time that OpenSSL cannot read lies in the past: such a certificate is refused.
absl::Time ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

X509Ptr ParseCertificate(absl::string_view pem) {
  const BioPtr in = Reading(pem);
  X509Ptr certificate(in == nullptr ? nullptr
                                    : PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

X509StackPtr ParseChain(absl::string_view pem) {
  X509StackPtr chain(sk_X509_new_null());
  const BioPtr in = Reading(pem);
  while (chain != nullptr && in != nullptr && sk_X509_num(chain.get()) < kMaxChainCertificates) {
    X509Ptr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    if (sk_X509_push(chain.get(), certificate.get()) <= 0) break;
    (void)certificate.release();  // the stack has it
  }
  ERR_clear_error();
  return chain;
}

std::string Fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return "";
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::string SubjectName(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  if (X509_NAME_entry_count(subject) == 0) return "";
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), subject, 0, XN_FLAG_RFC2253) < 0) return "";
  return Drain(out.get());
}

absl::Time ExpireTime(const X509* certificate) { return ToTime(X509_get0_notAfter(certificate)); }

absl::Time StartTime(const X509* certificate) { return ToTime(X509_get0_notBefore(certificate)); }

std::string ToPem(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || PEM_write_bio_X509(out.get(), certificate) != 1) return "";
  return Drain(out.get());
}

}  // namespace sealward::auth
