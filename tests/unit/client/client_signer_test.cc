#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/signer.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/recording_timers.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;

const absl::Status kDown = MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                                              "replaced, ask again", absl::Milliseconds(200));
const absl::Status kDenied =
    MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", "denied");

JwtRequest Request(absl::string_view claims) {
  return {"tenants/t/keys/k", std::string(claims), "JWT"};
}

class SignerTest : public testing::Test {
 protected:
  SignerTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    server_ = std::make_unique<FakeSigningServer>(ca_);
  }

  std::unique_ptr<Signer> MakeSigner(TimerFactory* timers = nullptr, size_t max_calls = 100) {
    auto connection = Connection::Open(ca_.Options(server_->target(), "client"));
    EXPECT_TRUE(connection.ok()) << connection.status();
    Signer::Options options;
    options.max_calls = max_calls;
    options.timers = timers != nullptr ? timers : &timers_;
    options.random = [] { return 0.5; };
    return std::make_unique<Signer>(*connection, std::move(options));
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

  TestCa ca_;
  std::unique_ptr<FakeSigningServer> server_;
  fakes::RecordingTimers timers_;
};

TEST_F(SignerTest, SignsAndKeepsTheRequestAsItIs) {
  const auto jwt = MakeSigner()->SignJwt(Request(R"({"a": 1})"), Soon());
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->jwt, R"(jwt of {"a": 1})");
  EXPECT_EQ(jwt->kid, "kid of tenants/t/keys/k JWT");
  EXPECT_THAT(timers_.delays(), IsEmpty());
}

// One replaced HSM process must not reach the issuer's users.
TEST_F(SignerTest, AsksAgainAfterUnavailable) {
  server_->Script({kDown, kDown});
  const auto jwt = MakeSigner()->SignJwt(Request("{}"), Soon());
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(server_->seen().size(), 3U);
  // RetryInfo says 200 ms: not sooner.
  EXPECT_THAT(timers_.delays(), ElementsAre(absl::Milliseconds(225), absl::Milliseconds(225)));
}

// gRPC answers CANCELLED to requests that reach a server after it began to stop:
// a rolling restart must not look like a call that the issuer itself gave up.
TEST_F(SignerTest, AStoppingServerIsAskedAgain) {
  server_->Script({absl::CancelledError("")});
  EXPECT_TRUE(MakeSigner()->SignJwt(Request("{}"), Soon()).ok());
  server_->Script({absl::CancelledError(""), absl::CancelledError(""), absl::CancelledError(""),
                   absl::CancelledError("")});
  const auto error = MakeSigner()->SignJwt(Request("{}"), Soon()).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(error), "CONNECTION_FAILED");
}

// Attempts without end would hammer a server that is down.
TEST_F(SignerTest, StopsAfterItsAttempts) {
  server_->Script({kDown, kDown, kDown, kDown, kDown, kDown});
  const auto error = MakeSigner()->SignJwt(Request("{}"), Soon()).status();
  EXPECT_EQ(server_->seen().size(), 4U);
  EXPECT_EQ(error.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(error), "HSM_UNAVAILABLE");
  EXPECT_EQ(RetryDelay(error), absl::Milliseconds(200));
}

// The server says "not within your deadline": the caller gets that answer now,
// with the reason, and not DEADLINE_EXCEEDED later.
TEST_F(SignerTest, DoesNotWaitForARetryBeyondTheDeadline) {
  server_->Script({MakeRetryableError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "full",
                                      absl::Minutes(2))});
  const auto error = MakeSigner()->SignJwt(Request("{}"), Soon()).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(error), "QUEUE_FULL");
  EXPECT_EQ(server_->seen().size(), 1U);
  EXPECT_THAT(timers_.delays(), IsEmpty());
}

TEST_F(SignerTest, RefusalsAreFinal) {
  server_->Script({kDenied});
  const auto error = MakeSigner()->SignJwt(Request("{}"), Soon()).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(error.message(), "denied");
  EXPECT_EQ(server_->seen().size(), 1U);
}

// A slow server costs the caller its deadline and no more.
TEST_F(SignerTest, TheDeadlineHoldsAgainstASlowServer) {
  const auto signer = MakeSigner();
  ASSERT_TRUE(signer->SignJwt(Request("{}"), Soon()).ok());
  server_->Hold();
  const absl::Time start = absl::Now();
  const auto error = signer->SignJwt(Request("{}"), start + absl::Milliseconds(300)).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(absl::Now() - start, AllOf(Ge(absl::Milliseconds(290)), Le(absl::Seconds(20))));
}

// A connection that breaks under a call is UNAVAILABLE, hence asked again; with
// nobody there any more the caller learns where nobody is.
TEST_F(SignerTest, ADroppedConnectionIsAskedAgainAndExplained) {
  server_->Hold();
  const auto signer = MakeSigner();
  absl::StatusOr<SignedJwt> outcome;
  absl::Notification finished;
  signer->SignJwtAsync(Request("{}"), Soon(), [&](absl::StatusOr<SignedJwt> result) {
    outcome = std::move(result);
    finished.Notify();
  });
  server_->AwaitSeen(1);
  server_->Drop();
  finished.WaitForNotification();
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(outcome.status()), "CONNECTION_FAILED");
  EXPECT_EQ(timers_.delays().size(), 3U);
}

// Only failed entries may be sent again, and answers must stay with their
// requests: otherwise one claim set's JWT goes to another's user.
TEST_F(SignerTest, ABatchRepeatsOnlyWhatFailed) {
  server_->Script(
      {absl::OkStatus(), kDown, kDenied, kDown, /*second round*/ absl::OkStatus(), kDown});
  const auto results =
      MakeSigner()->SignJwtBatch({Request("a"), Request("b"), Request("c"), Request("d")}, Soon());
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 4U);
  EXPECT_EQ((*results)[0]->jwt, "jwt of a");
  EXPECT_EQ((*results)[1]->jwt, "jwt of b");
  EXPECT_EQ(ErrorReason((*results)[2].status()), "PERMISSION_DENIED");
  EXPECT_EQ((*results)[3]->jwt, "jwt of d");
  EXPECT_THAT(server_->seen(), ElementsAre(4, 2, 1));
}

// An entry that is given up carries its own last error, not its neighbour's.
TEST_F(SignerTest, ABatchEntryThatIsGivenUpKeepsItsError) {
  const absl::Status full = MakeRetryableError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                                               "full", absl::Milliseconds(100));
  server_->Script({kDown, absl::OkStatus(), full, kDown, full, kDown, full, kDown, full});
  const auto results =
      MakeSigner()->SignJwtBatch({Request("a"), Request("b"), Request("c")}, Soon());
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(ErrorReason((*results)[0].status()), "HSM_UNAVAILABLE");
  EXPECT_EQ((*results)[1]->jwt, "jwt of b");
  EXPECT_EQ(ErrorReason((*results)[2].status()), "QUEUE_FULL");
  EXPECT_THAT(server_->seen(), ElementsAre(3, 2, 2, 2));
}

TEST_F(SignerTest, BatchesHaveALimit) {
  const auto signer = MakeSigner();
  EXPECT_EQ(ErrorReason(signer->SignJwtBatch({}, Soon()).status()), "BATCH_SIZE_INVALID");
  std::vector<JwtRequest> many(kMaxBatchSize + 1, Request("{}"));
  EXPECT_EQ(ErrorReason(signer->SignJwtBatch(many, Soon()).status()), "BATCH_SIZE_INVALID");
  EXPECT_THAT(server_->seen(), IsEmpty());
}

TEST_F(SignerTest, AsksWhichVersionSigns) {
  const auto key = MakeSigner()->GetSigningKey("tenants/t/keys/k", Soon());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->version(), "tenants/t/keys/k/versions/1");
}

// Without a bound a caller in trouble keeps memory for every request it makes.
TEST_F(SignerTest, CallsUnderWayAreBounded) {
  server_->Hold();
  const auto signer = MakeSigner(nullptr, 1);
  absl::Notification finished;
  signer->SignJwtAsync(Request("{}"), Soon(),
                       [&finished](const absl::StatusOr<SignedJwt>&) { finished.Notify(); });
  absl::Status second;  // no room: told before SignJwtAsync returns
  signer->SignJwtAsync(Request("{}"), Soon(),
                       [&second](const absl::StatusOr<SignedJwt>& jwt) { second = jwt.status(); });
  EXPECT_EQ(ErrorReason(second), "TOO_MANY_CALLS");
  server_->Release();
  finished.WaitForNotification();
}

// Going away must neither hang on a server that does not answer, nor drop a
// callback, nor run one afterwards.
TEST_F(SignerTest, DestructionCancelsCalls) {
  server_->Hold();
  auto signer = MakeSigner();
  absl::Status held;
  signer->SignJwtAsync(Request("{}"), Soon(),
                       [&held](const absl::StatusOr<SignedJwt>& jwt) { held = jwt.status(); });
  server_->AwaitSeen(1);
  signer.reset();
  EXPECT_EQ(held.code(), absl::StatusCode::kCancelled);
}

TEST_F(SignerTest, DestructionCancelsPauses) {
  fakes::RecordingTimers stalled(/*stall=*/true);
  auto signer = MakeSigner(&stalled);
  server_->Script({kDown});
  absl::Status pausing;
  signer->SignJwtAsync(Request("{}"), Soon(), [&pausing](const absl::StatusOr<SignedJwt>& jwt) {
    pausing = jwt.status();
  });
  stalled.AwaitStarted(1);
  signer.reset();
  EXPECT_EQ(pausing.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace sealward::client
