#include "client/pem_files.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "client/connection.h"
#include "common/errors.h"

namespace sealward::client {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status Invalid(absl::string_view file, absl::string_view wrong) {
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInvalidArgument, "CERTIFICATE_INVALID",
                   absl::StrCat(file, wrong));
}

absl::Status CannotRead(const std::string& file, absl::string_view what, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return MakeError(
      missing ? absl::StatusCode::kNotFound : absl::StatusCode::kPermissionDenied,
      missing ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
      absl::StrCat("cannot read the ", what, " file ", file, ": ", std::strerror(error)));
}

// Text is what a file holds, wiped when it goes.
class Text {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  Text(Text&& other) noexcept = default;
  Text& operator=(Text&&) = delete;
  ~Text() { OPENSSL_cleanse(text_.data(), text_.size()); }

  const std::string& get() const { return text_; }
  Bio Reading() const {
    return {BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size())), &BIO_free};
  }

 private:
  std::string text_;
};

// Reads `file`, the `what` ("CA", …).
absl::StatusOr<Text> Read(const std::string& file, absl::string_view what) {
  std::FILE* stream = std::fopen(file.c_str(), "rbe");
  if (stream == nullptr) return CannotRead(file, what, errno);
  const absl::Cleanup close = [stream] { std::fclose(stream); };
  std::setvbuf(stream, nullptr, _IONBF, 0);  // no second copy of a key
  std::string bytes(kMaxPemBytes + 1, '\0');
  const absl::Cleanup wipe = [&bytes] { OPENSSL_cleanse(bytes.data(), bytes.size()); };
  const size_t size = std::fread(bytes.data(), 1, bytes.size(), stream);
  if (std::ferror(stream) != 0) return CannotRead(file, what, errno);
  if (size > kMaxPemBytes) return Invalid(file, " is larger than a PEM file can be (1 MiB)");
  return Text(bytes.substr(0, size));
}

// No passphrase, and no prompt on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

Certificate ParseCertificate(const Text& text) {
  return {PEM_read_bio_X509(text.Reading().get(), nullptr, NoPassphrase, nullptr), &X509_free};
}

absl::Status CheckDates(const X509* certificate, const std::string& file, absl::Time now) {
  time_t at = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notBefore(certificate), &at) > 0) {
    return Invalid(file, " is not valid yet; check this machine's clock");
  }
  if (X509_cmp_time(X509_get0_notAfter(certificate), &at) < 0) {
    return Invalid(file, " has expired; get a new client certificate");
  }
  return absl::OkStatus();
}

// A certificate file with a certificate for now.
absl::StatusOr<Text> ReadCertificate(const std::string& file, absl::Time now) {
  auto text = Read(file, "certificate");
  if (!text.ok()) return text.status();
  const Certificate certificate = ParseCertificate(*text);
  if (certificate == nullptr) return Invalid(file, " holds no PEM certificate");
  if (auto status = CheckDates(certificate.get(), file, now); !status.ok()) return status;
  return text;
}

}  // namespace

PemSet::~PemSet() { OPENSSL_cleanse(identity_.data(), identity_.size()); }

std::string PemSet::Digest() const {
  std::string digest(2 * SHA256_DIGEST_LENGTH, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(digest.data());
  SHA256(reinterpret_cast<const unsigned char*>(ca_.data()), ca_.size(), out);
  SHA256(reinterpret_cast<const unsigned char*>(identity_.data()), identity_.size(),
         out + SHA256_DIGEST_LENGTH);
  return digest;
}

absl::StatusOr<PemSet> ReadPemFiles(const PemPaths& paths, absl::Time now) {
  auto ca = Read(paths.ca, "CA");
  if (!ca.ok()) return ca.status();
  if (ParseCertificate(*ca) == nullptr) {
    return Invalid(paths.ca, " holds no PEM certificate; the CA file lists the CAs of the server");
  }
  auto certificate = ReadCertificate(paths.certificate, now);
  if (!certificate.ok()) return certificate.status();
  auto private_key = Read(paths.private_key, "private key");
  if (!private_key.ok()) return private_key.status();
  const PrivateKey key(
      PEM_read_bio_PrivateKey(private_key->Reading().get(), nullptr, NoPassphrase, nullptr),
      &EVP_PKEY_free);
  if (key == nullptr) {
    return Invalid(paths.private_key, " holds no PEM private key without a passphrase");
  }
  if (X509_check_private_key(ParseCertificate(*certificate).get(), key.get()) != 1) {
    return Invalid(paths.private_key,
                   absl::StrCat(" is not the key of the certificate ", paths.certificate));
  }
  return PemSet(ca->get(), absl::StrCat(private_key->get(), "\n", certificate->get()));
}

}  // namespace sealward::client
