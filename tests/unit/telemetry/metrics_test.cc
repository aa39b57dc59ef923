// If these go, an alert looks at a series that no longer exists or no longer
// moves, which nobody notices until the day it should have fired.
#include "server/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/algorithms.h"
#include "server/telemetry/sharded.h"

namespace sealward::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Labels are compared as text: prometheus-cpp writes those of its own families
// in name order, and ours as we list them.
TEST(Metrics, CountsSignRequestsByMethodCodeAndAlgorithm) {
  Metrics metrics("1.2.3");
  metrics.CountSign(SignMethod::kSignJwt, absl::StatusCode::kOk, v1::ALGORITHM_ES256);
  metrics.CountSign(SignMethod::kSignJwt, absl::StatusCode::kOk, v1::ALGORITHM_ES256);
  metrics.CountSign(SignMethod::kBatchSignJwt, absl::StatusCode::kUnavailable,
                    v1::ALGORITHM_EDDSA_ED25519);
  metrics.CountSign(SignMethod::kSignJwt, absl::StatusCode::kPermissionDenied,
                    v1::ALGORITHM_UNSPECIFIED);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("sealward_sign_requests_total{method=\"SignJwt\",code=\"OK\","
                              "algorithm=\"ES256\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_requests_total{method=\"BatchSignJwt\","
                              "code=\"UNAVAILABLE\",algorithm=\"EdDSA\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_requests_total{method=\"SignJwt\","
                              "code=\"PERMISSION_DENIED\",algorithm=\"none\"} 1\n"));
}

// Every combination has a cell of its own; a wrong index would count one
// customer's failures as another's successes.
TEST(Metrics, EveryCombinationHasItsOwnCell) {
  Metrics metrics("1");
  std::set<std::string> expected;
  for (const SignMethod method : {SignMethod::kSignJwt, SignMethod::kBatchSignJwt}) {
    for (int code = 0; code <= 16; ++code) {
      for (const AlgorithmInfo& row : AllAlgorithms()) {
        const auto status = static_cast<absl::StatusCode>(code);
        metrics.CountSign(method, status, row.algorithm);
        expected.insert(absl::StrCat("sealward_sign_requests_total{method=\"",
                                     method == SignMethod::kSignJwt ? "SignJwt" : "BatchSignJwt",
                                     "\",code=\"", absl::StatusCodeToString(status),
                                     "\",algorithm=\"", row.name, "\"} 1"));
      }
    }
  }
  std::set<std::string> found;
  std::istringstream in(metrics.Text());
  for (std::string line; std::getline(in, line);) {
    if (absl::StartsWith(line, "sealward_sign_requests_total{")) found.insert(line);
  }
  EXPECT_EQ(found, expected);
}

TEST(Metrics, CountsHsmOperationsByVerbAndCode) {
  Metrics metrics("1");
  metrics.CountHsmOperation(hsm::v1::Operation::kSignJws, absl::StatusCode::kOk);
  metrics.CountHsmOperation(hsm::v1::Operation::kCheckHealth, absl::StatusCode::kUnavailable);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("sealward_hsm_operations_total{verb=\"sign_jws\",code=\"OK\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("sealward_hsm_operations_total{verb=\"check_health\","
                              "code=\"UNAVAILABLE\"} 1\n"));
}

// The names of verbs are a table by number: a verb that is added to the protocol
// must be added there.
TEST(Metrics, NamesEveryVerbOfTheProtocol) {
  const auto* verbs = hsm::v1::Operation::descriptor()->FindOneofByName("verb");
  ASSERT_NE(verbs, nullptr);
  for (int i = 0; i < verbs->field_count(); ++i) {
    Metrics metrics("1");
    metrics.CountHsmOperation(static_cast<hsm::v1::Operation::VerbCase>(verbs->field(i)->number()),
                              absl::StatusCode::kOk);
    EXPECT_THAT(metrics.Text(), HasSubstr(absl::StrCat("{verb=\"", verbs->field(i)->name(), "\"")));
  }
}

TEST(Metrics, ValuesOutOfRangeAreCountedAsUnknown) {
  Metrics metrics("1");
  metrics.CountSign(SignMethod::kSignJwt, static_cast<absl::StatusCode>(99),
                    static_cast<v1::Algorithm>(99));
  metrics.CountHsmOperation(hsm::v1::Operation::VERB_NOT_SET, absl::StatusCode::kOk);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("code=\"UNKNOWN\",algorithm=\"none\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{verb=\"none\",code=\"OK\"} 1\n"));
}

TEST(Metrics, SignDurationsAreCumulativeWithSumAndCount) {
  Metrics metrics("1");
  metrics.ObserveSign(SignMethod::kSignJwt, absl::Microseconds(50));  // bounds are inclusive
  metrics.ObserveSign(SignMethod::kSignJwt, absl::Microseconds(150));
  metrics.ObserveSign(SignMethod::kSignJwt, absl::Seconds(2));
  const std::string text = metrics.Text();
  const std::string bucket = "sealward_sign_duration_seconds_bucket{method=\"SignJwt\",le=";
  EXPECT_THAT(text, HasSubstr(bucket + "\"5e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"0.0001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"0.0002\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_duration_seconds_count{method=\"SignJwt\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_duration_seconds_sum{method=\"SignJwt\"} 2.0002"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_duration_seconds_count{method=\"BatchSignJwt\"} 0\n"));
}

TEST(Metrics, AllOthersAreThere) {
  Metrics metrics("1.2.3");
  metrics.AddHsmPartition("default");
  metrics.AddHsmPartition("vault-b");
  metrics.SetHsmQueueDepth("default", 7);
  metrics.SetHsmProcessesReady("default", 2);
  metrics.CountHsmRestart("default");
  metrics.SetHsmPinLatched("vault-b", true);
  metrics.SetHsmBreakerOpen("vault-b", true);
  metrics.CountHsmBreakerOpen("vault-b");
  metrics.CountVerifyFailure();
  metrics.CountJwksRequest(200);
  metrics.CountJwksRequest(304);
  metrics.CountJwksRequest(200);
  metrics.CountStoreCommit(absl::StatusCode::kAborted);
  metrics.CountDenied("keys.sign");
  metrics.SetKeyVersions("ACTIVE", 3);
  metrics.SetKeyVersions("ACTIVE", 4);
  metrics.CountAlarm("bad_signature");
  metrics.SetAlarms("KEY_TOO_OLD", "critical", 2);
  metrics.SetNextRotation(-absl::Seconds(90));
  metrics.SetOldestSigningAge(absl::Hours(1));
  metrics.SetPendingHsmWork("mark", 3);
  metrics.SetClockBehind(absl::Seconds(5));
  metrics.ObserveDriverPass("default", absl::Milliseconds(50));
  const std::string text = metrics.Text();
  for (const absl::string_view line :
       {"sealward_hsm_queue_depth{partition=\"default\"} 7\n",
        "sealward_hsm_processes_ready{partition=\"default\"} 2\n",
        "sealward_hsm_restarts_total{partition=\"default\"} 1\n",
        "sealward_hsm_restarts_total{partition=\"vault-b\"} 0\n",
        "sealward_hsm_pin_latched{partition=\"vault-b\"} 1\n",
        "sealward_hsm_breaker_open{partition=\"vault-b\"} 1\n",
        "sealward_hsm_breaker_opens_total{partition=\"vault-b\"} 1\n",
        "sealward_hsm_breaker_opens_total{partition=\"default\"} 0\n",
        "sealward_verify_failures_total 1\n",
        "sealward_jwks_requests_total{code=\"200\"} 2\n",
        "sealward_jwks_requests_total{code=\"304\"} 1\n",
        "sealward_store_commits_total{code=\"ABORTED\"} 1\n",
        "sealward_denied_total{verb=\"keys.sign\"} 1\n",
        "sealward_key_versions{state=\"ACTIVE\"} 4\n",
        "sealward_alarms_total{alarm=\"bad_signature\"} 1\n",
        "sealward_alarm{kind=\"KEY_TOO_OLD\",severity=\"critical\"} 2\n",
        "sealward_next_rotation_seconds -90\n",
        "sealward_oldest_signing_key_age_seconds 3600\n",
        "sealward_pending_hsm_work{kind=\"mark\"} 3\n",
        "sealward_lifecycle_clock_behind_seconds 5\n",
        "sealward_driver_pass_duration_seconds_bucket{partition=\"default\",le=\"0.01\"} 0\n",
        "sealward_driver_pass_duration_seconds_bucket{partition=\"default\",le=\"0.1\"} 1\n",
        "sealward_build_info{version=\"1.2.3\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line)));
  }
}

// Counters that alerts use without labels must be there from the start: a series
// that appears with its first failure has no increase.
TEST(Metrics, UnlabelledCountersStartAtZero) {
  Metrics metrics("1");
  metrics.AddHsmPartition("default");
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("sealward_verify_failures_total 0\n"));
  EXPECT_THAT(text, HasSubstr("sealward_hsm_restarts_total{partition=\"default\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("sealward_sign_requests_total{")));
}

// Two threads that share a shard: an addition that is not atomic loses some.
TEST(ShardedCells, ThreadsThatShareAShardLoseNothing) {
  constexpr int kShards = 16;
  constexpr uint64_t kEach = 1'000'000;
  ShardedCells cells(1);
  absl::Notification go;
  std::vector<std::thread> workers;
  // Shards are given out in turn, so the first and the last of 17 share one.
  for (int i = 0; i <= kShards; ++i) {
    if (i != 0 && i != kShards) {
      std::thread([&cells] { cells.Add(0, 1); }).join();
      continue;
    }
    absl::Notification has_shard;
    workers.emplace_back([&] {
      cells.Add(0, 1);
      has_shard.Notify();
      go.WaitForNotification();
      for (uint64_t j = 0; j < kEach; ++j) cells.Add(0, 1);
    });
    has_shard.WaitForNotification();
  }
  go.Notify();
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(cells.Read(0), 2 * kEach + kShards + 1);
}

// No lock, yet nothing is lost; run under ThreadSanitizer too.
TEST(Metrics, ManyThreadsLoseNothing) {
  constexpr int kThreads = 20;  // more than there are shards
  constexpr int kEach = 2000;
  Metrics metrics("1");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&metrics] {
      for (int j = 0; j < kEach; ++j) {
        metrics.CountSign(SignMethod::kSignJwt, absl::StatusCode::kOk, v1::ALGORITHM_ES256);
        metrics.ObserveSign(SignMethod::kSignJwt, absl::Milliseconds(1));
        if (j % 500 == 0) metrics.Text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("code=\"OK\",algorithm=\"ES256\"} 40000\n"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_duration_seconds_count{method=\"SignJwt\"} 40000\n"));
  EXPECT_THAT(text, HasSubstr("sealward_sign_duration_seconds_sum{method=\"SignJwt\"} 40\n"));
}

}  // namespace
}  // namespace sealward::telemetry
