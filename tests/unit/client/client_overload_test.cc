// What the client does when there is too much to do: for the server or for itself.
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/batching_signer.h"
#include "client/retry_budget.h"
#include "client/signer.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/recording_timers.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/recording_metrics.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const absl::Status kOverloaded = MakeRetryableError(absl::StatusCode::kResourceExhausted,
                                                    "OVERLOADED", "later", absl::Milliseconds(100));
const absl::Status kDenied =
    MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", "denied");
constexpr absl::Duration kForever = absl::Hours(1);

JwtRequest Request(absl::string_view claims) {
  return {"tenants/t/keys/k", std::string(claims), ""};
}

// How often a thread of this process had gone to sleep, if it sleeps now.
std::optional<std::string> SleepOf(pid_t tid) {
  std::ifstream file(absl::StrCat("/proc/self/task/", tid, "/status"));
  bool asleep = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "State:")) asleep = absl::StrContains(line, "S (");
    if (asleep && absl::StartsWith(line, "voluntary_ctxt_switches:")) return line;
  }
  return std::nullopt;
}

// Until a thread waits for more than a lock on its way: it sleeps through many looks.
void AwaitAsleep(const std::atomic<pid_t>& tid) {
  constexpr int kLooks = 200;
  std::optional<std::string> sleep;
  for (int looks = 0; looks < kLooks; std::this_thread::yield()) {
    auto now = SleepOf(tid);
    looks = now.has_value() && now == sleep ? looks + 1 : 0;
    sleep = std::move(now);
  }
}

class OverloadTest : public testing::Test {
 protected:
  OverloadTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    server_ = std::make_unique<FakeSigningServer>(ca_);
  }

  std::unique_ptr<Signer> MakeSigner(Signer::Options options) {
    auto connection = Connection::Open(ca_.Options(server_->target(), "client"));
    EXPECT_TRUE(connection.ok()) << connection.status();
    if (options.timers == nullptr) options.timers = &timers_;
    options.random = [] { return 0.0; };
    options.metrics = metrics_;
    return std::make_unique<Signer>(*connection, std::move(options));
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

  TestCa ca_;
  std::unique_ptr<FakeSigningServer> server_;
  fakes::RecordingTimers timers_;
  std::shared_ptr<RecordingMetrics> metrics_ = std::make_shared<RecordingMetrics>();
};

// Without a common budget every call brings its four attempts: a server that fails
// everybody gets four times its load, and never comes back.
TEST_F(OverloadTest, AFailingServerDoesNotGetItsLoadSeveralTimesOver) {
  const auto signer = MakeSigner({.retry_budget = {.most_tokens = 10, .per_success = 0.1}});
  constexpr int kCalls = 200;
  server_->Script(std::vector<absl::Status>(4 * kCalls, kOverloaded));
  for (int i = 0; i < kCalls; ++i) {
    const absl::Status error = signer->SignJwt(Request("{}"), Soon()).status();
    EXPECT_EQ(ErrorReason(error), "OVERLOADED");
    EXPECT_EQ(RetryDelay(error), absl::Milliseconds(100));  // what the caller goes by
  }
  EXPECT_THAT(server_->seen(), SizeIs(kCalls + 10));
  EXPECT_GT(metrics_->Count("retry SignJwt OVERLOADED attempt 1 requests 1 refused"), 0U);
}

// A budget that never comes back would be a client that never retries again.
TEST_F(OverloadTest, SuccessesFillTheBudgetAgain) {
  const auto signer = MakeSigner({.retry_budget = {.most_tokens = 1, .per_success = 0.5}});
  server_->Script({kOverloaded, kOverloaded, absl::OkStatus(), absl::OkStatus(), kOverloaded});
  EXPECT_FALSE(signer->SignJwt(Request("{}"), Soon()).ok());  // one retry, then empty
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(signer->SignJwt(Request("{}"), Soon()).ok());
  EXPECT_THAT(server_->seen(), SizeIs(6));
}

// A batch pays for what is sent again, not for what was answered.
TEST(RetryBudget, EachRequestHasAPrice) {
  RetryBudget budget({.most_tokens = 100, .per_success = 0.1});
  EXPECT_TRUE(budget.Take(64, kOverloaded));
  EXPECT_FALSE(budget.Take(64, kOverloaded));
  EXPECT_TRUE(budget.Take(36, kOverloaded));
  budget.Refill(20);
  EXPECT_TRUE(budget.Take(2, kOverloaded));
  EXPECT_FALSE(budget.Take(1, kOverloaded));
  budget.Refill(1'000'000);
  EXPECT_FALSE(budget.Take(101, kOverloaded));
  EXPECT_TRUE(budget.Take(100, kOverloaded));
  // What did not reach a server is no load.
  EXPECT_TRUE(budget.Take(256, MakeError(absl::StatusCode::kUnavailable, "CONNECTION_FAILED", "")));
}

// Callers that wait for their answers are slowed down, not refused.
TEST_F(OverloadTest, SynchronousCallersWaitForRoom) {
  server_->Hold();
  const auto signer = MakeSigner({.max_calls = 2});
  std::atomic<int> signed_jwts = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { signed_jwts += signer->SignJwt(Request("{}"), Soon()).ok() ? 1 : 0; });
  }
  server_->AwaitSeen(2);
  // The deadline bounds that wait too.
  const absl::Status late = signer->SignJwt(Request("{}"), absl::Now()).status();
  EXPECT_EQ(ErrorReason(late), "TOO_MANY_CALLS");
  EXPECT_THAT(server_->seen(), SizeIs(2));
  server_->Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(signed_jwts, 8);
}

// Destroying a Signer answers the threads that wait for room; it may not be gone before each
// has been told and measured.
TEST_F(OverloadTest, DestructionWaitsForThoseThatWaitForRoom) {
  // Sees the end of the call that waited, and whether the Signer was gone by then.
  struct Watcher final : Metrics {
    void OnCall(const CallEvent& call) override {
      if (call.attempts > 0) return;
      for (int i = 0; i < 10'000 && !gone; ++i) std::this_thread::yield();
      was_gone = gone.load();
      ++told;
    }
    std::atomic<bool> gone = false;
    std::atomic<bool> was_gone = false;
    std::atomic<int> told = 0;
  };
  server_->Hold();
  auto connection = Connection::Open(ca_.Options(server_->target(), "client"));
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto watcher = std::make_shared<Watcher>();
  auto signer = std::make_unique<Signer>(
      *connection, Signer::Options{.max_calls = 1, .metrics = watcher, .timers = &timers_});
  Signer* const waiting = signer.get();
  signer->SignJwtAsync(Request("{}"), Soon(), [](const absl::StatusOr<SignedJwt>&) {});
  server_->AwaitSeen(1);
  std::atomic<pid_t> tid = 0;
  std::thread thread([&] {
    tid = gettid();
    EXPECT_FALSE(waiting->SignJwt(Request("{}"), Soon()).ok());
  });
  AwaitAsleep(tid);
  signer.reset();
  watcher->gone = true;
  thread.join();
  EXPECT_FALSE(watcher->was_gone);
  EXPECT_EQ(watcher->told, 1);
}

// The loop of an asynchronous caller: send until there is no room, go on when told.
// Nothing may be lost, nothing refused twice in a row for ever.
TEST_F(OverloadTest, AsynchronousCallersAreToldOfRoom) {
  constexpr int kRequests = 200;
  absl::BlockingCounter answers(kRequests);
  std::atomic<int> right = 0;
  const auto signer = MakeSigner({.max_calls = 3, .timers = GrpcTimers()});
  std::function<void(int)> send = [&](int i) {
    signer->SignJwtAsync(Request(absl::StrCat(i)), Soon(), [&, i](absl::StatusOr<SignedJwt> jwt) {
      if (ErrorReason(jwt.status()) == "TOO_MANY_CALLS") {
        signer->WhenRoom(Soon(), [&, i](const absl::Status& room) {
          EXPECT_TRUE(room.ok()) << room;
          send(i);
        });
        return;
      }
      if (jwt.ok() && jwt->jwt == absl::StrCat("jwt of ", i)) ++right;
      answers.DecrementCount();
    });
  };
  for (int i = 0; i < kRequests; ++i) send(i);
  answers.Wait();
  EXPECT_EQ(right, kRequests);
}

TEST_F(OverloadTest, WaitingForRoomEnds) {
  server_->Hold();
  absl::Status late;
  absl::Status cancelled;
  absl::Notification was_late;
  auto signer = MakeSigner({.max_calls = 1, .timers = GrpcTimers()});
  signer->SignJwtAsync(Request("{}"), Soon(), [](const absl::StatusOr<SignedJwt>&) {});
  signer->WhenRoom(absl::Now(), [&](absl::Status status) {
    late = std::move(status);
    was_late.Notify();
  });
  signer->WhenRoom(Soon(), [&](absl::Status status) { cancelled = std::move(status); });
  was_late.WaitForNotification();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  signer.reset();
  EXPECT_EQ(cancelled.code(), absl::StatusCode::kCancelled);
}

// A callback that waits holds the thread that would bring its answer. As many of
// them as gRPC has threads are a deadlock that no deadline ends.
TEST_F(OverloadTest, ACallbackThatWouldWaitForItsOwnThreadIsToldSo) {
  const auto signer = MakeSigner({});
  BatchingSigner batching(signer.get());
  absl::Status unary;
  absl::Status batched;
  absl::Status batch;
  absl::Status key;
  absl::Notification finished;
  signer->SignJwtAsync(Request("{}"), Soon(), [&](const absl::StatusOr<SignedJwt>&) {
    unary = signer->SignJwt(Request("{}"), Soon()).status();
    batched = batching.SignJwt(Request("{}"), Soon()).status();
    batch = signer->SignJwtBatch({Request("{}")}, Soon()).status();
    key = signer->GetSigningKey("tenants/t/keys/k", Soon()).status();
    finished.Notify();
  });
  finished.WaitForNotification();
  for (const absl::Status& status : {unary, batched, batch, key}) {
    EXPECT_EQ(ErrorReason(status), "CALLED_IN_CALLBACK") << status;
  }
  // Outside of it the same thread waits as ever.
  EXPECT_TRUE(signer->SignJwt(Request("{}"), Soon()).ok());
}

TEST_F(OverloadTest, TheBatchingQueueMakesCallersWait) {
  server_->Hold();
  const auto signer = MakeSigner({});
  BatchingSigner batching(signer.get(),
                          {.max_wait = kForever, .max_queue = 1, .max_batches_under_way = 1});
  std::atomic<int> signed_jwts = 0;
  const auto count = [&](const absl::StatusOr<SignedJwt>& jwt) { signed_jwts += jwt.ok() ? 1 : 0; };
  batching.SignJwtAsync(Request("{}"), Soon(), count);
  server_->AwaitSeen(1);
  batching.SignJwtAsync(Request("{}"), Soon(), count);  // fills the queue
  EXPECT_EQ(ErrorReason(batching.SignJwt(Request("{}"), absl::Now()).status()),
            "CLIENT_QUEUE_FULL");
  absl::Notification room;
  batching.WhenRoom(Soon(), [&room](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    room.Notify();
  });
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { count(batching.SignJwt(Request("{}"), Soon())); });
  }
  EXPECT_FALSE(room.HasBeenNotified());
  server_->Release();
  room.WaitForNotification();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(signed_jwts, 6);
}

// One key beyond its quota must not hold up the others through the pauses of its
// requests: its batch gives back the slot.
TEST_F(OverloadTest, AKeyBeyondItsQuotaHoldsUpNobody) {
  fakes::RecordingTimers stalled(/*stall=*/true);
  std::atomic<int> signed_jwts = 0;
  const auto signer = MakeSigner({.timers = &stalled});
  BatchingSigner batching(signer.get(), {.max_wait = kForever, .max_batches_under_way = 1});
  server_->Hold();
  absl::BlockingCounter answers(3);
  const auto count = [&](const absl::StatusOr<SignedJwt>& jwt) {
    signed_jwts += jwt.ok() ? 1 : 0;
    answers.DecrementCount();
  };
  batching.SignJwtAsync(Request("first"), Soon(), count);
  server_->AwaitSeen(1);
  server_->Script({absl::OkStatus(), kOverloaded, absl::OkStatus()});
  batching.SignJwtAsync(Request("beyond"), Soon(), [](const absl::StatusOr<SignedJwt>&) {});
  batching.SignJwtAsync(Request("neighbour"), Soon(), count);
  server_->Release();
  stalled.AwaitStarted(1);  // the pause of "beyond", which never ends here
  batching.SignJwtAsync(Request("later"), Soon(), count);
  answers.Wait();
  EXPECT_EQ(signed_jwts, 3);
}

// While the server answers for nobody, no further batch leaves.
TEST_F(OverloadTest, BatchesStopWhileTheServerAnswersForNobody) {
  fakes::RecordingTimers stalled(/*stall=*/true);
  const auto signer = MakeSigner({.timers = &stalled});
  server_->Script({kOverloaded});
  BatchingSigner batching(signer.get(), {.max_wait = kForever, .max_batches_under_way = 1});
  const auto ignore = [](const absl::StatusOr<SignedJwt>&) {};
  batching.SignJwtAsync(Request("a"), Soon(), ignore);
  stalled.AwaitStarted(1);
  batching.SignJwtAsync(Request("b"), Soon(), ignore);
  EXPECT_THAT(server_->seen(), ElementsAre(1));
}

// What an operator's graphs are made of.
TEST_F(OverloadTest, CallsAndRetriesAreReported) {
  const auto signer = MakeSigner({});
  server_->Script({kOverloaded, absl::OkStatus()});
  EXPECT_TRUE(signer->SignJwt(Request("{}"), Soon()).ok());
  server_->Script({kDenied, kOverloaded, absl::OkStatus()});
  EXPECT_TRUE(signer->SignJwtBatch({Request("a"), Request("b"), Request("c")}, Soon()).ok());
  EXPECT_TRUE(signer->GetSigningKey("tenants/t/keys/k", Soon()).ok());
  EXPECT_FALSE(signer->SignJwt(Request("{}"), absl::InfinitePast()).ok());
  EXPECT_THAT(metrics_->lines(),
              ElementsAre("retry SignJwt OVERLOADED attempt 1 requests 1 100ms",
                          "call SignJwt OK  attempts 2 requests 1 failed 0",
                          "retry BatchSignJwt OVERLOADED attempt 1 requests 1 100ms",
                          "call BatchSignJwt OK  attempts 2 requests 3 failed 1",
                          "call GetSigningKey OK  attempts 1 requests 1 failed 0",
                          "call SignJwt DEADLINE_EXCEEDED  attempts 0 requests 1 failed 1"));
}

TEST_F(OverloadTest, BatchesAndTheirRequestsAreReported) {
  fakes::ManualClock clock(absl::Now());
  server_->Hold();
  const auto signer = MakeSigner({});
  auto metrics = std::make_shared<RecordingMetrics>();
  absl::BlockingCounter answers(3);
  const auto done = [&answers](const absl::StatusOr<SignedJwt>&) { answers.DecrementCount(); };
  BatchingSigner batching(signer.get(), {.max_batch = 1,
                                         .max_wait = kForever,
                                         .max_queue = 2,
                                         .max_batches_under_way = 1,
                                         .metrics = metrics,
                                         .clock = &clock});
  const absl::Time deadline = clock.Now() + kForever;
  batching.SignJwtAsync(Request("a"), deadline, done);
  server_->AwaitSeen(1);
  batching.SignJwtAsync(Request("b"), deadline, done);
  batching.SignJwtAsync(Request("c"), deadline, done);
  batching.SignJwtAsync(Request("d"), deadline, [](const absl::StatusOr<SignedJwt>&) {});
  clock.Advance(absl::Milliseconds(3));
  server_->Release();
  answers.Wait();
  EXPECT_THAT(
      metrics->lines(),
      ElementsAre("batch 1 waited 0 depth 0 under way 1",
                  "request RESOURCE_EXHAUSTED CLIENT_QUEUE_FULL took 0", "request OK  took 3ms",
                  "batch 1 waited 3ms depth 1 under way 1", "request OK  took 3ms",
                  "batch 1 waited 3ms depth 0 under way 1", "request OK  took 3ms"));
}

}  // namespace
}  // namespace sealward::client
