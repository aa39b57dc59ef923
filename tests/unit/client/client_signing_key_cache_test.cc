#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/signing_key_cache.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::SizeIs;

constexpr absl::string_view kKey = "tenants/t/keys/k";

class SigningKeyCacheTest : public testing::Test {
 protected:
  SigningKeyCacheTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    server_ = std::make_unique<FakeSigningServer>(ca_);
    signer_ = std::make_unique<Signer>(*Connection::Open(ca_.Options(server_->target(), "client")),
                                       Signer::Options{.retry = {.max_attempts = 1}});
    cache_ = std::make_unique<SigningKeyCache>(signer_.get(),
                                               SigningKeyCache::Options{.clock = &clock_});
  }

  // The server's answer from now on, good for so long.
  void Answer(const std::string& kid, absl::Duration life) {
    v1::SigningKey key;
    key.set_version("v");
    key.set_kid(kid);
    key.mutable_refresh_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + life));
    server_->SetSigningKey(key);
  }
  std::string Kid() {
    const auto key = cache_->Get(kKey, Soon());
    return key.ok() ? (*key)->kid() : key.status().ToString();
  }
  absl::Time Soon() const { return clock_.Now() + absl::Seconds(30); }
  // Returns once the request in the background has been answered and taken in: the
  // next answer is another one's.
  void AwaitKid(const std::string& kid) {
    while (Kid() != kid) {
    }
  }

  TestCa ca_;
  fakes::ManualClock clock_{absl::Now()};
  std::unique_ptr<FakeSigningServer> server_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<SigningKeyCache> cache_;
};

TEST_F(SigningKeyCacheTest, AsksOnceAndAnswersOften) {
  Answer("one", absl::Seconds(40));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Kid(), "one");
  EXPECT_THAT(server_->seen(), SizeIs(1));
}

// After refresh_time another version may sign: the old kid must not be given out.
TEST_F(SigningKeyCacheTest, NeverGivesOutWhatHasExpired) {
  Answer("one", absl::Seconds(40));
  EXPECT_EQ(Kid(), "one");
  Answer("two", absl::Seconds(60));
  clock_.Advance(absl::Seconds(40));
  EXPECT_EQ(Kid(), "two");
  server_->Script({absl::UnavailableError("")});
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(cache_->Get(kKey, Soon()).status().code(), absl::StatusCode::kUnavailable);
}

// A clock that is behind the server's must not stretch an answer's life.
TEST_F(SigningKeyCacheTest, NoAnswerIsUsedForLongerThanAMinute) {
  Answer("one", absl::Hours(1));
  EXPECT_EQ(Kid(), "one");
  Answer("two", absl::Hours(1));
  clock_.Advance(kMaxSigningKeyAge);
  EXPECT_EQ(Kid(), "two");
}

// In the last part of its life an answer is still good, and its successor is fetched
// behind the caller's back.
TEST_F(SigningKeyCacheTest, RefreshesAheadWithoutMakingAnybodyWait) {
  Answer("one", absl::Seconds(40));
  EXPECT_EQ(Kid(), "one");
  clock_.Advance(absl::Seconds(29));
  EXPECT_EQ(Kid(), "one");
  EXPECT_THAT(server_->seen(), SizeIs(1));
  Answer("two", absl::Seconds(60));
  clock_.Advance(absl::Seconds(2));
  server_->Hold();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Kid(), "one");  // although nobody answers
  server_->AwaitSeen(2);
  server_->Release();
  AwaitKid("two");
  EXPECT_THAT(server_->seen(), SizeIs(2));
}

// A server that is away does not take away what it promised.
TEST_F(SigningKeyCacheTest, AnOutageLeavesTheAnswerToItsEnd) {
  Answer("one", absl::Seconds(40));
  EXPECT_EQ(Kid(), "one");
  clock_.Advance(absl::Seconds(35));
  server_->Script({absl::UnavailableError("")});
  EXPECT_EQ(Kid(), "one");
  server_->AwaitSeen(2);
  EXPECT_EQ(Kid(), "one");
}

// What the server refuses is over at once.
TEST_F(SigningKeyCacheTest, ARefusalEndsTheAnswer) {
  Answer("one", absl::Seconds(40));
  EXPECT_EQ(Kid(), "one");
  clock_.Advance(absl::Seconds(35));
  const absl::Status denied =
      MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", "denied");
  server_->Script({denied, denied, denied, denied});
  while (Kid() == "one") {
  }
  EXPECT_EQ(ErrorReason(cache_->Get(kKey, Soon()).status()), "PERMISSION_DENIED");
}

// A hundred threads at the start are one request.
TEST_F(SigningKeyCacheTest, OneRequestAtATime) {
  Answer("one", absl::Seconds(40));
  server_->Hold();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  threads.reserve(20);
  for (int i = 0; i < 20; ++i) threads.emplace_back([&] { right += Kid() == "one" ? 1 : 0; });
  server_->AwaitSeen(1);
  server_->Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 20);
  EXPECT_THAT(server_->seen(), SizeIs(1));
}

// Each caller has a deadline of its own.
TEST_F(SigningKeyCacheTest, AnImpatientCallerDoesNotWaitForTheOthers) {
  server_->Hold();
  EXPECT_EQ(cache_->Get(kKey, clock_.Now() + absl::Milliseconds(10)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

// The server said KID_NOT_SIGNING: the next header has another kid. Said late, of a
// kid that is history, it costs no request.
TEST_F(SigningKeyCacheTest, InvalidateAsksAnew) {
  Answer("one", absl::Seconds(40));
  EXPECT_EQ(Kid(), "one");
  Answer("two", absl::Seconds(40));
  cache_->Invalidate(kKey, "one");
  EXPECT_EQ(Kid(), "two");
  cache_->Invalidate(kKey, "one");
  EXPECT_EQ(Kid(), "two");
  EXPECT_THAT(server_->seen(), SizeIs(2));
}

// An answer that was under way while its kid was refused is older than the refusal.
TEST_F(SigningKeyCacheTest, AnAnswerOlderThanTheRefusalIsNotTaken) {
  Answer("one", absl::Seconds(40));
  EXPECT_EQ(Kid(), "one");
  clock_.Advance(absl::Seconds(35));
  server_->Hold();
  EXPECT_EQ(Kid(), "one");  // begins a request
  server_->AwaitSeen(2);
  cache_->Invalidate(kKey, "one");
  server_->Release();  // the answer is "one" still
  std::string kid;
  absl::Notification finished;
  cache_->GetAsync(kKey, Soon(), [&](const absl::StatusOr<SigningKeyCache::Key>& key) {
    kid = key.ok() ? (*key)->kid() : "";
    finished.Notify();
  });
  finished.WaitForNotification();
  // Asked again; that the server says "one" after all is its business.
  EXPECT_EQ(kid, "one");
  EXPECT_THAT(server_->seen(), SizeIs(3));
}

TEST_F(SigningKeyCacheTest, TheNumberOfKeysIsBounded) {
  SigningKeyCache small(signer_.get(), {.max_keys = 2, .clock = &clock_});
  for (const char* key : {"a", "b", "c", "c", "a"}) EXPECT_TRUE(small.Get(key, Soon()).ok());
  EXPECT_THAT(server_->seen(), SizeIs(testing::Ge(4U)));
}

TEST_F(SigningKeyCacheTest, DestructionAnswersWhoWaits) {
  server_->Hold();
  absl::Status outcome;
  cache_->GetAsync(kKey, Soon(), [&](const absl::StatusOr<SigningKeyCache::Key>& key) {
    outcome = key.status();
  });
  server_->AwaitSeen(1);
  cache_.reset();
  EXPECT_EQ(outcome.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace sealward::client
