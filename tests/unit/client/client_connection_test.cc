#include <fstream>

#include "absl/time/clock.h"
#include "client/connection.h"
#include "client/signer.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::HasSubstr;

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    ca_.Issue("server");
    ca_.Issue("client");
  }

  // The error of opening a connection with `options`.
  static absl::Status Error(const ConnectionOptions& options) {
    return Connection::Open(options).status();
  }

  // What one SignJwt without retries comes to.
  static absl::Status SignOnce(const ConnectionOptions& options) {
    auto connection = Connection::Open(options);
    if (!connection.ok()) return connection.status();
    Signer signer(*connection, {.retry = {.max_attempts = 1}});
    return signer.SignJwt({"tenants/t/keys/k", "{}", ""}, absl::Now() + absl::Seconds(20)).status();
  }

  TestCa ca_;
};

// A wrong path has to be found before gRPC turns it into "handshake failed".
TEST_F(ConnectionTest, NamesTheFileThatIsMissing) {
  for (const char* file : {"ca", "certificate", "private key"}) {
    ConnectionOptions options = ca_.Options("localhost:1", "client");
    auto& path = file == std::string("ca")            ? options.ca_file
                 : file == std::string("certificate") ? options.certificate_file
                                                      : options.private_key_file;
    path = "/nowhere/at-all.pem";
    const absl::Status error = Error(options);
    EXPECT_EQ(error.code(), absl::StatusCode::kNotFound) << file;
    EXPECT_EQ(ErrorReason(error), "FILE_NOT_FOUND");
    EXPECT_THAT(std::string(error.message()), HasSubstr("/nowhere/at-all.pem"));
  }
}

// Each of these would otherwise surface as an unexplained broken connection.
TEST_F(ConnectionTest, RefusesFilesThatCannotWork) {
  ca_.Issue("other");
  ca_.Issue("old", -1);
  std::ofstream(ca_.Path("junk.pem")) << "not PEM\n";
  const auto with = [this](const char* certificate, const char* key) {
    ConnectionOptions options = ca_.Options("localhost:1", "client");
    options.certificate_file = ca_.Path(certificate);
    options.private_key_file = ca_.Path(key);
    return std::string(Error(options).message());
  };
  EXPECT_THAT(with("client.pem", "other.key"), HasSubstr("is not the key of the certificate"));
  EXPECT_THAT(with("junk.pem", "client.key"), HasSubstr("holds no PEM certificate"));
  EXPECT_THAT(with("client.pem", "junk.pem"), HasSubstr("holds no PEM private key"));
  EXPECT_THAT(with("old.pem", "old.key"), HasSubstr("has expired"));
  EXPECT_EQ(Error(ca_.Options("localhost", "client")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Error(ca_.Options(":7443", "client")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Error(ca_.Options("localhost:70000", "client")).code(),
            absl::StatusCode::kInvalidArgument);
}

// An encrypted key must be an error, not a prompt on the operator's terminal.
TEST_F(ConnectionTest, DoesNotAskForAPassphrase) {
  std::ofstream(ca_.Path("locked.key"))
      << "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3\n"
      << "-----END ENCRYPTED PRIVATE KEY-----\n";
  ConnectionOptions options = ca_.Options("localhost:1", "client");
  options.private_key_file = ca_.Path("locked.key");
  EXPECT_EQ(ErrorReason(Error(options)), "CERTIFICATE_INVALID");
}

TEST_F(ConnectionTest, WorksOverMutualTls) {
  FakeSigningServer server(ca_);
  EXPECT_TRUE(SignOnce(ca_.Options(server.target(), "client")).ok());
}

// Without the check of the server's certificate anybody could take in claims.
TEST_F(ConnectionTest, RefusesAServerOfAnotherCa) {
  FakeSigningServer server(ca_);
  TestCa other;
  other.Issue("client");
  ConnectionOptions options = ca_.Options(server.target(), "client");
  options.ca_file = other.Path("ca.pem");
  const absl::Status error = SignOnce(options);
  EXPECT_EQ(error.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(error), "CONNECTION_FAILED");
  EXPECT_TRUE(server.seen().empty());
  // The other way round: a client of another CA.
  options = other.Options(server.target(), "client");
  options.ca_file = ca_.Path("ca.pem");
  EXPECT_EQ(SignOnce(options).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(server.seen().empty());
}

// Nobody listens: the message says where, and what to look at.
TEST_F(ConnectionTest, ARefusedConnectionIsExplained) {
  std::string target;
  {
    FakeSigningServer server(ca_);
    target = server.target();
  }
  const absl::Status error = SignOnce(ca_.Options(target, "client"));
  EXPECT_EQ(error.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(error.message()), HasSubstr(target));
  EXPECT_THAT(std::string(error.message()), HasSubstr("check that sealward-server runs"));
}

}  // namespace
}  // namespace sealward::client
