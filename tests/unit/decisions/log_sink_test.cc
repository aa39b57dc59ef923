// Decisions in the log. If this breaks, what an operator greps for is not there,
// or an operator who wants a quiet log has no records.
#include "server/decisions/log_sink.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "server/telemetry/logging.h"

namespace sealward::decisions {
namespace {

std::string LinesOf(const DecisionRecord& record) {
  testing::internal::CaptureStderr();
  LogSink().Record(record);
  return testing::internal::GetCapturedStderr();
}

DecisionRecord Denied() {
  DecisionRecord record;
  record.time = absl::FromUnixMillis(1'767'225'600'042);
  record.outcome = Outcome::kDenied;
  record.code = absl::StatusCode::kPermissionDenied;
  record.principal = "subject:CN=\"a\"";
  record.peer = "ipv4:127.0.0.1:1";
  record.certificate = "ab12";
  record.verb = "keys.sign";
  record.resource = "tenants/a/keys/b";
  record.reason = "no role binding of this principal";
  record.request_id = "r-1";
  record.count = 3;
  return record;
}

TEST(LogSink, WritesOneLineWithEverything) {
  const auto line = nlohmann::json::parse(LinesOf(Denied()));
  EXPECT_EQ(line, nlohmann::json::parse(R"({
    "ts": "2026-01-01T00:00:00.042Z", "level": "warning", "event": "decision",
    "outcome": "denied", "code": "PERMISSION_DENIED", "verb": "keys.sign",
    "resource": "tenants/a/keys/b", "principal": "subject:CN=\"a\"",
    "peer": "ipv4:127.0.0.1:1", "certificate": "ab12",
    "reason": "no role binding of this principal", "request_id": "r-1", "count": 3})"));
}

TEST(LogSink, WhatWasAllowedIsNoWarning) {
  DecisionRecord record = Denied();
  record.outcome = Outcome::kAllowed;
  record.code = absl::StatusCode::kOk;
  EXPECT_EQ(nlohmann::json::parse(LinesOf(record)).at("level"), "info");
}

TEST(LogSink, NoLogLevelDropsRecords) {
  telemetry::SetLogLevel(telemetry::Level::kError);
  const std::string lines = LinesOf(Denied());
  telemetry::SetLogLevel(telemetry::Level::kInfo);
  EXPECT_NE(lines.find("\"event\":\"decision\""), std::string::npos);
}

}  // namespace
}  // namespace sealward::decisions
