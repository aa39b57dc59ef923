// The TLS of the HTTPS listeners, on loopback. If these go, the metrics listener may let a
// stranger in, or a renewed certificate takes all keys away from the validators.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/publish/https_server.h"
#include "tests/unit/publish/https_server_fixture.h"

namespace sealward::publish {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// RFC 9325: 1.2 is still what some validators speak; 1.1 is not offered.
TEST_F(HttpsServerTest, TakesTls12ButNothingOlder) {
  Start(Options());
  const auto client = Connect({}, TLS1_2_VERSION);
  ASSERT_TRUE(client->connected());
  EXPECT_EQ(client->Get("/x").status, 200);
  EXPECT_FALSE(Connect({}, TLS1_1_VERSION)->connected());
}

class ClientCertificateTest : public HttpsServerTest {
 protected:
  void SetUp() override {
    handler_ = [](const HttpRequest& request) {
      return PlainText(200, absl::StrCat("<", request.principal, ">"));
    };
    HttpsOptions options = Options();
    options.client_ca_pem = ReadFile(authority_.ca_path());
    Start(std::move(options));
  }
  std::string PrincipalOf(const CertificateFiles& own) { return Connect(own)->Get("/").body; }
};

TEST_F(ClientCertificateTest, GivesThePrincipalToTheHandler) {
  EXPECT_EQ(PrincipalOf(authority_.Issue("URI:spiffe://sealward.test/viewer", "someone")),
            "<spiffe://sealward.test/viewer>\n");
  EXPECT_EQ(PrincipalOf(authority_.Issue("", "Ops, Team")), "<subject:CN=Ops\\, Team>\n");
  EXPECT_EQ(PrincipalOf(authority_.Issue("DNS:host", "host")), "<subject:CN=host>\n");
}

// Which of two names is meant cannot be known, so it is neither.
TEST_F(ClientCertificateTest, ACertificateWithTwoUrisIsNobody) {
  EXPECT_EQ(PrincipalOf(authority_.Issue("URI:spiffe://t/admin,URI:spiffe://t/viewer", "admin")),
            "<>\n");
}

TEST_F(ClientCertificateTest, TakesOtherAuthoritiesWithAReload) {
  TestAuthority other;
  const CertificateFiles theirs = other.Issue("URI:spiffe://t/theirs", "");
  ASSERT_TRUE(server_->Reload(ReadFile(other.ca_path())).ok());
  EXPECT_EQ(PrincipalOf(theirs), "<spiffe://t/theirs>\n");
  EXPECT_EQ(Connect(authority_.Issue("URI:spiffe://t/a", ""))->Get("/").status, 0);
  EXPECT_FALSE(server_->Reload("junk").ok());
  EXPECT_EQ(PrincipalOf(theirs), "<spiffe://t/theirs>\n");
}

TEST_F(ClientCertificateTest, RefusesNoCertificateAndOtherAuthorities) {
  EXPECT_EQ(Connect()->Get("/").status, 0);
  EXPECT_EQ(Connect({}, TLS1_2_VERSION)->Get("/").status, 0);
  TestAuthority other;
  EXPECT_EQ(Connect(other.Issue("URI:spiffe://sealward.test/viewer", ""))->Get("/").status, 0);
  EXPECT_EQ(PrincipalOf(authority_.Issue("URI:spiffe://t/still", "")), "<spiffe://t/still>\n");
}

// Without client CA nobody has a principal, whatever the client shows.
TEST_F(HttpsServerTest, APublicListenerKnowsNobody) {
  handler_ = [](const HttpRequest& request) {
    return PlainText(200, absl::StrCat("<", request.principal, ">"));
  };
  Start(Options());
  EXPECT_EQ(Connect(authority_.Issue("URI:spiffe://t/a", ""))->Get("/").body, "<>\n");
}

// A renewed certificate is served without a restart, and a bad one never is.
TEST_F(HttpsServerTest, ReloadsItsCertificateAndKeepsTheLastGoodOne) {
  handler_ = Echo;
  const CertificateFiles own = authority_.Issue("DNS:localhost", "first");
  HttpsOptions options = Options();
  options.certificate_path = own.certificate;
  options.private_key_path = own.key;
  Start(std::move(options));
  const auto open = Connect();
  const auto copy = [](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  };
  const CertificateFiles next = authority_.Issue("DNS:localhost", "second");
  copy(next.certificate, own.certificate);  // and the key does not fit yet
  EXPECT_EQ(ErrorReason(server_->Reload("")), "TLS_FILE_UNUSABLE");
  EXPECT_EQ(Connect()->PeerName(), "first");
  copy(next.key, own.key);
  EXPECT_TRUE(server_->Reload("").ok());
  EXPECT_EQ(Connect()->PeerName(), "second");
  EXPECT_EQ(open->Get("/").status, 200);
}

// OpenSSL would ask for the pass phrase on the terminal, and hang a service.
TEST_F(HttpsServerTest, AKeyWithAPassPhraseIsRefused) {
  HttpsOptions options = Options();
  options.private_key_path = authority_.EncryptedKey();
  EXPECT_EQ(ErrorReason(HttpsServer::Start(options, Echo, &clock_).status()), "TLS_FILE_UNUSABLE");
}

}  // namespace
}  // namespace sealward::publish
