// A CA made in memory, and files of what it signs.
#ifndef SEALWARD_TESTS_UNIT_CLIENT_TEST_CERTIFICATES_H_
#define SEALWARD_TESTS_UNIT_CLIENT_TEST_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "client/connection.h"

namespace sealward::client {

// TestCa signs certificates into a temporary directory of its own, which it
// removes.
class TestCa {
 public:
  TestCa();
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  // Writes NAME.pem and NAME.key, for localhost and 127.0.0.1, valid from an
  // hour ago for `hours_valid` hours more.
  void Issue(const std::string& name, int hours_valid = 1);

  // DIR/NAME
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Read(const std::string& name) const;
  // Options for `target` with NAME's certificate.
  ConnectionOptions Options(const std::string& target, const std::string& name) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  Certificate Make(const std::string& name, EVP_PKEY* key, int hours_valid, bool ca);
  void Write(const std::string& name, X509* certificate, EVP_PKEY* key);

  std::string directory_;
  Key key_;
  Certificate certificate_;
  long serial_ = 0;
};

}  // namespace sealward::client

#endif  // SEALWARD_TESTS_UNIT_CLIENT_TEST_CERTIFICATES_H_
