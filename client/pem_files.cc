#include "client/pem_files.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
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

// Reads `file`, the `what` ("CA", …), into memory.
absl::StatusOr<Bio> Read(const std::string& file, absl::string_view what) {
  std::FILE* stream = std::fopen(file.c_str(), "rbe");
  if (stream == nullptr) return CannotRead(file, what, errno);
  const absl::Cleanup close = [stream] { std::fclose(stream); };
  std::string bytes(kMaxPemBytes + 1, '\0');
  const absl::Cleanup wipe = [&bytes] { OPENSSL_cleanse(bytes.data(), bytes.size()); };
  const size_t size = std::fread(bytes.data(), 1, bytes.size(), stream);
  if (std::ferror(stream) != 0) return CannotRead(file, what, errno);
  if (size > kMaxPemBytes) return Invalid(file, " is larger than a PEM file can be (1 MiB)");
  Bio bio(BIO_new(BIO_s_secmem()), &BIO_free);
  BIO_write(bio.get(), bytes.data(), static_cast<int>(size));
  return bio;
}

// No passphrase, and no prompt on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::Status CheckCa(const std::string& file) {
  auto bio = Read(file, "CA");
  if (!bio.ok()) return bio.status();
  const Certificate ca(PEM_read_bio_X509(bio->get(), nullptr, NoPassphrase, nullptr), &X509_free);
  if (ca == nullptr) {
    return Invalid(file, " holds no PEM certificate; the CA file lists the CAs of the server");
  }
  return absl::OkStatus();
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

}  // namespace

absl::Status CheckPemFiles(const std::string& ca_file, const std::string& certificate_file,
                           const std::string& private_key_file, absl::Time now) {
  if (auto status = CheckCa(ca_file); !status.ok()) return status;
  auto bio = Read(certificate_file, "certificate");
  if (!bio.ok()) return bio.status();
  const Certificate certificate(PEM_read_bio_X509(bio->get(), nullptr, NoPassphrase, nullptr),
                                &X509_free);
  if (certificate == nullptr) return Invalid(certificate_file, " holds no PEM certificate");
  if (auto status = CheckDates(certificate.get(), certificate_file, now); !status.ok()) {
    return status;
  }
  bio = Read(private_key_file, "private key");
  if (!bio.ok()) return bio.status();
  const PrivateKey key(PEM_read_bio_PrivateKey(bio->get(), nullptr, NoPassphrase, nullptr),
                       &EVP_PKEY_free);
  if (key == nullptr) {
    return Invalid(private_key_file, " holds no PEM private key without a passphrase");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Invalid(private_key_file,
                   absl::StrCat(" is not the key of the certificate ", certificate_file));
  }
  return absl::OkStatus();
}

}  // namespace sealward::client
