// Certificates made on the spot: a CA and leaves with chosen names.
#ifndef SEALWARD_TESTS_UNIT_AUTH_TEST_CERTIFICATES_H_
#define SEALWARD_TESTS_UNIT_AUTH_TEST_CERTIFICATES_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sealward::auth {

// An attribute of a subject, for example {"CN", "alice"}.
using Attribute = std::pair<std::string, std::string>;
using Subject = std::vector<Attribute>;

struct IssuedCertificate {
  std::string certificate_pem;
  std::string private_key_pem;
};

// What a certificate can be told to be beside its names.
struct CertificateShape {
  long start_s = -3600;  // NOLINT(google-runtime-int): OpenSSL's; from now
  long end_s = 3600;     // NOLINT(google-runtime-int)
  // Extensions as OpenSSL's configuration writes them, {NID, "value"}.
  std::vector<std::pair<int, std::string>> extensions;
};

// TestCa signs certificates with a P-256 key of its own.
class TestCa {
 public:
  explicit TestCa(const Subject& subject = {{"CN", "Test CA"}},
                  const CertificateShape& shape = CaShape())
      : key_(EVP_EC_gen("P-256")) {
    certificate_ = Make(key_, subject, shape, {});
  }
  // A CA below `above`.
  TestCa(TestCa& above, const std::vector<Attribute>& subject) : key_(EVP_EC_gen("P-256")) {
    certificate_ = above.Make(key_, subject, CaShape(), {});
  }
  ~TestCa() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  std::string pem() const { return Pem(certificate_); }

  static CertificateShape CaShape() {
    return {-3600, 3600, {{NID_basic_constraints, "critical,CA:TRUE"}}};
  }

  // A leaf. `names` as OpenSSL's configuration writes them: "URI:…", "DNS:…".
  IssuedCertificate Issue(const std::vector<Attribute>& subject,
                          const std::vector<std::string>& names,
                          const CertificateShape& shape = {}) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* leaf = Make(key, subject, shape, names);
    IssuedCertificate identity{Pem(leaf), PrivatePem(key)};
    X509_free(leaf);
    EVP_PKEY_free(key);
    return identity;
  }

 private:
  static std::string Drain(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
  }
  static std::string Pem(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return Drain(bio);
  }
  static std::string PrivatePem(EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    return Drain(bio);
  }
  static void AddNames(X509* certificate, const std::vector<std::string>& names) {
    GENERAL_NAMES* list = sk_GENERAL_NAME_new_null();
    for (const std::string& name : names) {
      const size_t colon = name.find(':');
      GENERAL_NAME* entry = GENERAL_NAME_new();
      ASN1_IA5STRING* text = ASN1_IA5STRING_new();
      ASN1_STRING_set(text, name.data() + colon + 1, static_cast<int>(name.size() - colon - 1));
      GENERAL_NAME_set0_value(entry, name.starts_with("URI") ? GEN_URI : GEN_DNS, text);
      sk_GENERAL_NAME_push(list, entry);
    }
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
    GENERAL_NAMES_free(list);
  }

  X509* Make(EVP_PKEY* key, const std::vector<Attribute>& subject, const CertificateShape& shape,
             const std::vector<std::string>& names) {
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), shape.start_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), shape.end_s);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_NAME_new();
    for (const auto& [type, value] : subject) {
      X509_NAME_add_entry_by_txt(name, type.c_str(), MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.data()),
                                 static_cast<int>(value.size()), -1, 0);
    }
    X509_set_subject_name(certificate, name);
    X509_set_issuer_name(certificate,
                         certificate_ == nullptr ? name : X509_get_subject_name(certificate_));
    X509_NAME_free(name);
    for (const auto& [nid, value] : shape.extensions) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    }
    if (!names.empty()) AddNames(certificate, names);
    X509_sign(certificate, key_, EVP_sha256());
    return certificate;
  }

  EVP_PKEY* key_;
  X509* certificate_ = nullptr;
  int serial_ = 0;
};

// SHA-256 of a certificate's DER in hexadecimal.
inline std::string FingerprintOf(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  X509_free(certificate);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

}  // namespace sealward::auth

#endif  // SEALWARD_TESTS_UNIT_AUTH_TEST_CERTIFICATES_H_
