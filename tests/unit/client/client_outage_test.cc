// What happens on the wire under a running client: certificates are renewed, peers
// vanish, connections break.
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/connection.h"
#include "client/signer.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/recording_metrics.h"
#include "tests/unit/client/test_certificates.h"
#include "tests/unit/client/test_proxy.h"

namespace sealward::client {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kNever = absl::Hours(24);

class OutageTest : public testing::Test {
 protected:
  OutageTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    ca_.Issue("renewed");
    server_ = std::make_unique<FakeSigningServer>(ca_);
    proxy_ = std::make_unique<TestProxy>(server_->port());
  }

  ConnectionOptions Options(const std::string& identity) const {
    ConnectionOptions options = ca_.Options(proxy_->target(), identity);
    options.certificate_refresh = kNever;
    options.metrics = metrics_;
    return options;
  }

  static std::shared_ptr<Connection> Open(const ConnectionOptions& options) {
    auto connection = Connection::Open(options);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *connection;
  }

  static absl::Status Sign(Signer& signer) {
    return signer.SignJwt({"tenants/t/keys/k", "{}", ""}, Soon()).status();
  }

  // Gives `to` the files of `from`.
  void Renew(const std::string& from, const std::string& to) const {
    for (const char* ending : {".pem", ".key"}) {
      std::filesystem::rename(ca_.Path(from + ending), ca_.Path(to + ending));
    }
  }

  // Breaks the connection until a handshake shows `name`; gRPC looks at its
  // certificates once a second.
  void AwaitPeer(Signer& signer, const std::string& name) const {
    while (server_->last_peer() != name) {
      proxy_->Cut();
      const absl::Status status = Sign(signer);
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

  TestCa ca_;
  std::unique_ptr<FakeSigningServer> server_;
  std::unique_ptr<TestProxy> proxy_;
  std::shared_ptr<RecordingMetrics> metrics_ = std::make_shared<RecordingMetrics>();
};

// Certificates of SVIDs live for an hour: an issuer must not be restarted for each.
TEST_F(OutageTest, ARenewedCertificateIsShownWithoutARestart) {
  const auto connection = Open(Options("client"));
  Signer signer(connection);
  ASSERT_TRUE(Sign(signer).ok());
  EXPECT_EQ(server_->last_peer(), "client");
  Renew("renewed", "client");
  EXPECT_TRUE(connection->ReloadCertificates().ok());
  AwaitPeer(signer, "renewed");
  EXPECT_EQ(metrics_->Count("certificates"), 1U);
  EXPECT_EQ(metrics_->Count("certificates OK"), 1U);
}

// Nobody has to call anything.
TEST_F(OutageTest, FilesAreLookedAtAgainAndAgain) {
  ConnectionOptions options = Options("client");
  options.certificate_refresh = absl::Milliseconds(2);
  Signer signer(Open(options));
  Renew("renewed", "client");
  metrics_->Await("certificates OK", 1);
  AwaitPeer(signer, "renewed");
}

// gRPC's own watcher fails every handshake while a file is bad. `other` shows that
// gRPC has looked again in the meantime.
TEST_F(OutageTest, GarbageKeepsTheLastGoodCertificates) {
  ca_.Issue("other");
  const auto connection = Open(Options("client"));
  const auto other = Open(Options("other"));
  Signer signer(connection);
  Signer other_signer(other);
  ASSERT_TRUE(Sign(signer).ok());
  std::filesystem::copy_file(ca_.Path("client.pem"), ca_.Path("good.pem"));
  std::ofstream(ca_.Path("client.pem")) << "-----BEGIN CERTI";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ErrorReason(connection->ReloadCertificates()), "CERTIFICATE_INVALID");
  }
  Renew("renewed", "other");
  ASSERT_TRUE(other->ReloadCertificates().ok());
  AwaitPeer(other_signer, "renewed");
  AwaitPeer(signer, "client");
  // Told once, and again when it is over.
  std::filesystem::rename(ca_.Path("good.pem"), ca_.Path("client.pem"));
  EXPECT_TRUE(connection->ReloadCertificates().ok());
  EXPECT_EQ(metrics_->Count("certificates /"), 1U);
  EXPECT_EQ(metrics_->Count("certificates OK"), 2U);
}

// Who renews writes one file after the other.
TEST_F(OutageTest, ACertificateWithoutItsKeyIsNotTakenOver) {
  const auto connection = Open(Options("client"));
  std::filesystem::rename(ca_.Path("renewed.pem"), ca_.Path("client.pem"));
  EXPECT_THAT(std::string(connection->ReloadCertificates().message()),
              HasSubstr("is not the key of the certificate"));
  std::filesystem::rename(ca_.Path("renewed.key"), ca_.Path("client.key"));
  EXPECT_TRUE(connection->ReloadCertificates().ok());
}

// A machine that goes sends no end of connection: without pings a call would find
// out by its deadline only, and every call after it.
TEST_F(OutageTest, AVanishedPeerIsNoticedUnderACall) {
  ConnectionOptions options = Options("client");
  options.keepalive_time = absl::Milliseconds(50);
  options.keepalive_timeout = absl::Milliseconds(50);
  Signer signer(Open(options), {.retry = {.max_attempts = 1}});
  server_->Hold();
  absl::Status outcome;
  absl::Notification finished;
  signer.SignJwtAsync({"tenants/t/keys/k", "{}", ""}, absl::Now() + kNever,
                      [&](const absl::StatusOr<SignedJwt>& jwt) {
                        outcome = jwt.status();
                        finished.Notify();
                      });
  server_->AwaitSeen(1);
  proxy_->Freeze();
  finished.WaitForNotification();
  EXPECT_EQ(ErrorReason(outcome), "CONNECTION_FAILED") << outcome;
}

// With retries the caller does not even hear of it.
TEST_F(OutageTest, ACallGoesOnOverANewConnection) {
  ConnectionOptions options = Options("client");
  options.keepalive_time = absl::Milliseconds(50);
  options.keepalive_timeout = absl::Milliseconds(50);
  Signer signer(Open(options));
  ASSERT_TRUE(Sign(signer).ok());
  proxy_->Freeze();
  EXPECT_TRUE(Sign(signer).ok());
}

// gRPC stops pinging after two pings without data unless told otherwise: a peer that
// goes late in a long call would never be noticed.
TEST_F(OutageTest, APeerThatVanishesLateIsNoticedToo) {
  ConnectionOptions options = Options("client");
  options.keepalive_time = absl::Milliseconds(5);
  options.keepalive_timeout = absl::Milliseconds(500);
  Signer signer(Open(options), {.retry = {.max_attempts = 1}});
  server_->Hold();
  absl::Status outcome;
  absl::Notification finished;
  signer.SignJwtAsync({"tenants/t/keys/k", "{}", ""}, absl::Now() + kNever,
                      [&](const absl::StatusOr<SignedJwt>& jwt) {
                        outcome = jwt.status();
                        finished.Notify();
                      });
  server_->AwaitSeen(1);
  proxy_->AwaitSegments(6);  // three pings and their answers; gRPC sends one a second
  proxy_->Freeze();
  finished.WaitForNotification();
  EXPECT_EQ(ErrorReason(outcome), "CONNECTION_FAILED") << outcome;
}

// The operator sees connects, breaks and reconnects.
TEST_F(OutageTest, ConnectionsAreReported) {
  Signer signer(Open(Options("client")));
  EXPECT_EQ(metrics_->Count("connection"), 0U);
  ASSERT_TRUE(Sign(signer).ok());
  metrics_->Await("connection 2", 1);
  proxy_->Cut();
  metrics_->Await("connection 0", 1);
  ASSERT_TRUE(Sign(signer).ok());
  metrics_->Await("connection 2", 2);
}

// The watch must not keep a channel, nor the hook after it.
TEST_F(OutageTest, NothingIsReportedAfterTheConnection) {
  class Ending final : public Metrics {
   public:
    explicit Ending(absl::Notification* ended) : ended_(ended) {}
    ~Ending() override { ended_->Notify(); }

   private:
    absl::Notification* const ended_;
  };
  absl::Notification ended;
  ConnectionOptions options = Options("client");
  options.metrics = std::make_shared<Ending>(&ended);
  {
    Signer signer(Open(options));
    ASSERT_TRUE(Sign(signer).ok());
  }
  options.metrics.reset();
  ended.WaitForNotification();
}

}  // namespace
}  // namespace sealward::client
