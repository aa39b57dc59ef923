#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/batching_signer.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/recording_timers.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;

constexpr absl::Duration kForever = absl::Hours(1);

class BatchingSignerTest : public testing::Test {
 protected:
  BatchingSignerTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    server_ = std::make_unique<FakeSigningServer>(ca_);
    signer_ = std::make_unique<Signer>(*Connection::Open(ca_.Options(server_->target(), "client")));
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }
  static JwtRequest Request(int i) { return {"tenants/t/keys/k", absl::StrCat(i), ""}; }

  TestCa ca_;
  std::unique_ptr<FakeSigningServer> server_;
  std::unique_ptr<Signer> signer_;
};

// With little load the helper must not add its wait to every JWT.
TEST_F(BatchingSignerTest, ALoneRequestLeavesAtOnce) {
  BatchingSigner batching(signer_.get(), {.max_wait = kForever});
  const auto jwt = batching.SignJwt(Request(7), Soon());
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->jwt, "jwt of 7");
  EXPECT_THAT(server_->seen(), ElementsAre(1));
}

// What arrives during a round trip shares the next one, up to max_batch, and
// everybody gets their own JWT.
TEST_F(BatchingSignerTest, RequestsShareRoundTrips) {
  server_->Hold();
  BatchingSigner batching(signer_.get(),
                          {.max_batch = 4, .max_wait = kForever, .max_batches_under_way = 2});
  absl::BlockingCounter answers(10);
  std::atomic<int> right = 0;
  for (int i = 0; i < 10; ++i) {
    batching.SignJwtAsync(Request(i), Soon(), [&, i](const absl::StatusOr<SignedJwt>& jwt) {
      if (jwt.ok() && jwt->jwt == absl::StrCat("jwt of ", i)) ++right;
      answers.DecrementCount();
    });
    if (i == 0) server_->AwaitSeen(1);
  }
  // The first leaves alone, the next four fill a batch, the others find no slot.
  server_->AwaitSeen(2);
  EXPECT_THAT(server_->seen(), ElementsAre(1, 4));
  server_->Release();
  answers.Wait();
  EXPECT_EQ(right, 10);
  EXPECT_THAT(server_->seen(), ElementsAre(1, 4, 4, 1));
}

// A request that finds no company leaves after max_wait.
TEST_F(BatchingSignerTest, MaxWaitBoundsTheWait) {
  server_->Hold();
  fakes::RecordingTimers timers;
  BatchingSigner batching(signer_.get(),
                          {.max_batch = 4, .max_wait = absl::Milliseconds(1), .timers = &timers});
  absl::BlockingCounter answers(2);
  const auto done = [&answers](const absl::StatusOr<SignedJwt>& jwt) {
    EXPECT_TRUE(jwt.ok()) << jwt.status();
    answers.DecrementCount();
  };
  batching.SignJwtAsync(Request(1), Soon(), done);
  server_->AwaitSeen(1);
  batching.SignJwtAsync(Request(2), Soon(), done);
  server_->AwaitSeen(2);
  server_->Release();
  answers.Wait();
  EXPECT_THAT(server_->seen(), ElementsAre(1, 1));
}

// An impatient request must not wait for its batch, nor cut the others short.
TEST_F(BatchingSignerTest, EachRequestHasItsOwnDeadline) {
  server_->Hold();
  BatchingSigner batching(signer_.get(), {.max_wait = kForever, .max_batches_under_way = 1});
  absl::BlockingCounter patient(2);
  const auto done = [&patient](const absl::StatusOr<SignedJwt>& jwt) {
    EXPECT_TRUE(jwt.ok()) << jwt.status();
    patient.DecrementCount();
  };
  batching.SignJwtAsync(Request(0), Soon(), done);
  server_->AwaitSeen(1);
  batching.SignJwtAsync(Request(1), Soon(), done);
  const auto impatient = batching.SignJwt(Request(2), absl::Now() + absl::Milliseconds(50));
  EXPECT_EQ(impatient.status().code(), absl::StatusCode::kDeadlineExceeded);
  server_->Release();
  patient.Wait();
  // The expired one was not sent.
  EXPECT_THAT(server_->seen(), ElementsAre(1, 1));
}

TEST_F(BatchingSignerTest, TheQueueIsBounded) {
  server_->Hold();
  std::atomic<int> cancelled = 0;  // outlives the signer, which answers when it ends
  BatchingSigner batching(signer_.get(),
                          {.max_wait = kForever, .max_queue = 2, .max_batches_under_way = 1});
  for (int i = 0; i < 3; ++i) {
    batching.SignJwtAsync(Request(i), Soon(),
                          [&](const absl::StatusOr<SignedJwt>&) { ++cancelled; });
    if (i == 0) server_->AwaitSeen(1);
  }
  absl::Status refused;  // told before SignJwtAsync returns
  batching.SignJwtAsync(Request(3), Soon(), [&refused](const absl::StatusOr<SignedJwt>& jwt) {
    refused = jwt.status();
  });
  EXPECT_EQ(ErrorReason(refused), "CLIENT_QUEUE_FULL");
  server_->Release();
}

// Batches must stay below the server's message limit, or all of them fail.
TEST_F(BatchingSignerTest, LargeClaimsMakeSmallerBatches) {
  server_->Hold();
  BatchingSigner batching(signer_.get(), {.max_batch = 256, .max_batches_under_way = 1});
  absl::BlockingCounter answers(101);
  const auto done = [&answers](const absl::StatusOr<SignedJwt>& jwt) {
    EXPECT_TRUE(jwt.ok()) << jwt.status();
    answers.DecrementCount();
  };
  const std::string large(size_t{65'536}, 'x');
  for (int i = 0; i < 101; ++i) {
    batching.SignJwtAsync({"tenants/t/keys/k", large, ""}, Soon(), done);
    if (i == 0) server_->AwaitSeen(1);
  }
  const JwtRequest too_large{"tenants/t/keys/k", large + "x", ""};
  EXPECT_EQ(ErrorReason(batching.SignJwt(too_large, Soon()).status()), "CLAIMS_INVALID");
  server_->Release();
  answers.Wait();
  EXPECT_THAT(server_->seen(), ElementsAre(1, 48, 48, 4));
}

// What is no message at all is refused by itself: on the server it would be all of its batch,
// with an error that says nothing.
TEST_F(BatchingSignerTest, WhatCannotBeSentTakesNoOthersAlong) {
  BatchingSigner batching(signer_.get(), {});
  const std::string long_word(2'000, 'k');
  for (const JwtRequest& bad :
       {JwtRequest{"tenants/t/keys/\xff", "{}", ""}, JwtRequest{"tenants/t/keys/k", "{}", "\xff"},
        JwtRequest{long_word, "{}", ""}}) {
    EXPECT_EQ(batching.SignJwt(bad, Soon()).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(server_->seen(), IsEmpty());
  EXPECT_TRUE(batching.SignJwt({"tenants/t/keys/k", "{}", ""}, Soon()).ok());
}

// Every callback runs, and before the destructor returns, even though the
// server never answers.
TEST_F(BatchingSignerTest, DestructionAnswersEverything) {
  server_->Hold();
  std::vector<absl::Status> answers;
  {
    BatchingSigner batching(signer_.get(), {.max_wait = kForever, .max_batches_under_way = 1});
    for (int i = 0; i < 3; ++i) {
      batching.SignJwtAsync(Request(i), Soon(), [&](const absl::StatusOr<SignedJwt>& jwt) {
        answers.push_back(jwt.status());
      });
    }
  }
  EXPECT_EQ(answers.size(), 3U);
  EXPECT_THAT(answers, Each(testing::ResultOf([](const absl::Status& s) { return s.code(); },
                                              absl::StatusCode::kCancelled)));
}

// The batches that it leaves behind end later, when what its options point to is gone.
TEST_F(BatchingSignerTest, NothingAsksItsClockAfterItsDestruction) {
  class CountingClock final : public Clock {
   public:
    absl::Time Now() const override {
      ++asked;
      return absl::Now();
    }
    mutable std::atomic<int> asked = 0;
  };
  const CountingClock clock;
  server_->Hold();
  {
    BatchingSigner batching(signer_.get(), {.max_wait = kForever, .clock = &clock});
    batching.SignJwtAsync(Request(1), Soon(), [](const absl::StatusOr<SignedJwt>&) {});
    server_->AwaitSeen(1);
  }
  const int asked = clock.asked;
  signer_.reset();  // ends the batch that the server holds
  EXPECT_EQ(clock.asked, asked);
}

// Many threads at once: nobody gets another's JWT, nobody none.
TEST_F(BatchingSignerTest, ManyThreads) {
  BatchingSigner batching(signer_.get(), {.max_batch = 16});
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&batching, &right, t] {
      for (int i = 0; i < 100; ++i) {
        const auto jwt = batching.SignJwt(Request(t * 1000 + i), Soon());
        if (jwt.ok() && jwt->jwt == absl::StrCat("jwt of ", t * 1000 + i)) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
  EXPECT_THAT(server_->seen(), Each(Le(16)));
}

}  // namespace
}  // namespace sealward::client
