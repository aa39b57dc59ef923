// What a debug bundle takes over. If this goes, a secret in a configuration, a log or an
// answer may stand in a file that people send to others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/bundle/allowed.h"

namespace sealward::client::cli::bundle {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Shaped to pass as anything: a word, a name, an event, a value.
constexpr char kSecret[] = "hunter_two";

void ExpectClean(const nlohmann::json& json) { EXPECT_THAT(json.dump(), Not(HasSubstr(kSecret))); }

TEST(BundleTest, OfAConfigurationOnlyNumbersSwitchesAndFixedWords) {
  const auto json = AllowedConfig(R"(
environment = "production"
hunter_two = "hunter_two"
[store]
path = "/var/hunter_two.db"
[hsm]
processes = 3
sockets = ["/hunter_two", "b"]
hunter_two = 1
[grpc]
private_key = "hunter_two"
signing_listen = "hunter_two:1"
[[grpc.trust_domains]]
name = "hunter_two"
bundle = "hunter_two"
[log]
level = "hunter_two"
[debug]
core_dumps = true
[partitions.hunter_two]
partition = "hunter_two"
[x.hunter_two]
hunter_two = "hunter_two"
)");
  ExpectClean(json);
  EXPECT_EQ(json["environment"], "production");
  EXPECT_EQ(json["hsm"]["processes"], 3);
  EXPECT_EQ(json["hsm"]["sockets"], 2);
  EXPECT_EQ(json["store"]["path"], "set");
  EXPECT_EQ(json["grpc"]["trust_domains"], 1);
  EXPECT_EQ(json["log"]["level"], "set");
  EXPECT_EQ(json["debug"]["core_dumps"], true);
  EXPECT_EQ(json["partitions"][0]["partition"], "set");
  EXPECT_EQ(json["unknown_keys"], 3);
}

TEST(BundleTest, AValueOfTheWrongKindIsNotTold) {
  for (const char* text :
       {"environment = \"hunter_two\"", "[hsm]\nprocesses = \"hunter_two\"",
        "[debug]\ncore_dumps = \"hunter_two\"", "hunter_two = [", "\"hunter_two"}) {
    ExpectClean(AllowedConfig(text));
  }
}

TEST(BundleTest, OfALogOnlyTimesLevelsKnownEventsAndSmallNumbers) {
  const auto json = AllowedLog(
      R"({"ts":"2026-11-22T06:00:00.123Z","level":"info","event":"serving","https":"hunter_two"}
hunter_two
{"ts":"2026-11-22T06:00:01Z","level":"error","event":"hunter_two","pid":7,"slot":"hunter_two"}
{"ts":"hunter_two","level":"info","event":"serving"}
{"ts":"2026-11-22T06:00:02Z","level":"hunter_two","event":"serving"}
{"time":"2026-11-22T06:00:03Z","level":"warning","program":"sealward-hsm","message":"hunter_two"}
["hunter_two"]
{"hunter_two":)");
  ExpectClean(json);
  ASSERT_EQ(json["lines"].size(), 3U);
  EXPECT_EQ(json["lines"][0]["event"], "serving");
  EXPECT_FALSE(json["lines"][1].contains("event"));
  EXPECT_EQ(json["lines"][1]["pid"], 7);
  EXPECT_EQ(json["lines"][2]["level"], "warning");
  EXPECT_EQ(json["not_recognised"], 5);
}

TEST(BundleTest, OfALongLogTheEnd) {
  std::string log;
  for (size_t i = 0; i < kMaxLogLines + 10; ++i) {
    absl::StrAppend(&log, R"({"ts":"2026-11-22T06:00:00Z","level":"info","event":"serving"})",
                    "\n");
  }
  const auto json = AllowedLog(log);
  EXPECT_EQ(json["lines"].size(), kMaxLogLines);
  EXPECT_EQ(json["older_lines_left_out"], 10);
}

TEST(BundleTest, OfMetricsOurNamesAndSums) {
  const auto json = AllowedMetrics(R"(# HELP sealward_up hunter_two
sealward_signatures_total{tenant="hunter_two"} 2
sealward_signatures_total{tenant="b c"} 3
sealward_latency_seconds_bucket{le="hunter_two"} 3
hunter_two 1
sealward_Hunter 1
sealward_x hunter_two
)");
  ExpectClean(json);
  EXPECT_EQ(json.dump(), R"({"sealward_signatures_total":5.0})");
}

TEST(BundleTest, OfTheServersAnswersNoNamesAndNoTexts) {
  v1::GetServiceStatusResponse status;
  status.set_server_version(kSecret);
  v1::PartitionStatus& partition = *status.add_partitions();
  partition.set_name(kSecret);
  partition.set_label(kSecret);
  partition.set_token_model(kSecret);
  partition.set_profile(kSecret);
  partition.set_alarm(kSecret);
  partition.set_exposure(kSecret);
  partition.add_processes()->set_restarts(4);
  ExpectClean(AllowedStatus(status));
  EXPECT_EQ(AllowedStatus(status)["partitions"][0]["has_alarm"], true);
  EXPECT_EQ(AllowedStatus(status)["partitions"][0]["processes"][0]["restarts"], 4);
  v1::ListAlarmsResponse alarms;
  v1::Alarm& alarm = *alarms.add_alarms();
  alarm.set_kind(kSecret);
  alarm.set_resource(absl::StrCat("tenants/", kSecret, "/keys/", kSecret));
  alarm.set_description(kSecret);
  ExpectClean(AllowedAlarms(alarms));
  EXPECT_EQ(AllowedAlarms(alarms)[0]["of"], "key");
}

}  // namespace
}  // namespace sealward::client::cli::bundle
