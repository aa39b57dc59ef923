#include "tests/unit/client/test_certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"

namespace sealward::client {
namespace {

void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

TestCa::TestCa() : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), certificate_(nullptr, &X509_free) {
  std::string pattern = (std::filesystem::temp_directory_path() / "sealward-XXXXXX").string();
  directory_ = ::mkdtemp(pattern.data());
  certificate_ = Make("test CA", key_.get(), 1, true);
  Write("ca", certificate_.get(), key_.get());
}

TestCa::~TestCa() { std::filesystem::remove_all(directory_); }

TestCa::Certificate TestCa::Make(const std::string& name, EVP_PKEY* key, int hours_valid, bool ca) {
  Certificate certificate(X509_new(), &X509_free);
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial_);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600L);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600L * hours_valid);
  X509_set_pubkey(x509, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* const issuer = ca ? x509 : certificate_.get();
  X509_set_issuer_name(x509, X509_get_subject_name(issuer));
  AddExtension(x509, issuer, NID_basic_constraints, ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!ca) AddExtension(x509, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  EXPECT_GT(X509_sign(x509, key_.get(), EVP_sha256()), 0);
  return certificate;
}

void TestCa::Write(const std::string& name, X509* certificate, EVP_PKEY* key) {
  std::FILE* file = std::fopen(Path(name + ".pem").c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(Path(name + ".key").c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

void TestCa::Issue(const std::string& name, int hours_valid) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  Write(name, Make(name, key.get(), hours_valid, false).get(), key.get());
}

std::string TestCa::Read(const std::string& name) const {
  std::stringstream text;
  text << std::ifstream(Path(name)).rdbuf();
  return text.str();
}

ConnectionOptions TestCa::Options(const std::string& target, const std::string& name) const {
  return {target, Path("ca.pem"), Path(name + ".pem"), Path(name + ".key")};
}

}  // namespace sealward::client
