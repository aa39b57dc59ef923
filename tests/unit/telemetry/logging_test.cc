// Logs are read by machines. If these go, one quote in a message breaks a line
// for every tool behind it, or a hostile name forges a line of its own.
#include "server/telemetry/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace sealward::telemetry {
namespace {

using nlohmann::json;

const absl::Time kTime = absl::FromUnixMillis(1'767'225'600'042);  // 2026-01-01T00:00:00.042Z

TEST(FormatLogLine, HasTimeLevelEventAndFields) {
  EXPECT_EQ(FormatLogLine(kTime, Level::kInfo, "hsm_process_started",
                          {{"pid", 12}, {"ready", true}, {"ms", 1.5}, {"key", "tenants/a/keys/b"}}),
            R"({"ts":"2026-01-01T00:00:00.042Z","level":"info","event":"hsm_process_started",)"
            R"("pid":12,"ready":true,"ms":1.5,"key":"tenants/a/keys/b"})");
}

TEST(FormatLogLine, EscapesWhatCouldEndALineOrAString) {
  const std::string hostile = "\"}\n{\"event\":\"forged\"\\\x01\xe2\x80\xa8";
  const std::string line = FormatLogLine(kTime, Level::kError, "e", {{"name", hostile}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(json::parse(line).at("name"), hostile);
}

// A name from a client may be any bytes; logging it must not end the server.
TEST(FormatLogLine, TakesInvalidUtf8) {
  const std::string line =
      FormatLogLine(kTime, Level::kWarning, "bad\xff", {{"k\xc0", "\xf0\x9f"}});
  EXPECT_TRUE(json::accept(line)) << line;
  EXPECT_NE(line.find("\xef\xbf\xbd"), std::string::npos);
}

TEST(FormatLogLine, CutsLongValuesAlsoInsideACharacter) {
  std::string value(kMaxLogValueBytes - 1, 'a');
  value += "\xc3\xa9 and more";
  const json line = json::parse(FormatLogLine(kTime, Level::kInfo, "e", {{"v", value}}));
  EXPECT_EQ(line.at("v").get<std::string>(),
            std::string(kMaxLogValueBytes - 1, 'a') + "\xef\xbf\xbd");
}

// A field must not be able to say another time, level or event.
TEST(FormatLogLine, KeepsItsOwnMembers) {
  const json line = json::parse(FormatLogLine(
      kTime, Level::kError, "real", {{"event", "other"}, {"level", "debug"}, {"a", 1}, {"a", 2}}));
  EXPECT_EQ(line.at("event"), "real");
  EXPECT_EQ(line.at("level"), "error");
  EXPECT_EQ(line.at("a"), 1);
}

TEST(FormatLogLine, TakesNumbersThatJsonCannotHold) {
  const std::string line =
      FormatLogLine(kTime, Level::kInfo, "e",
                    {{"nan", std::numeric_limits<double>::quiet_NaN()}, {"min", INT64_MIN}});
  EXPECT_TRUE(json::accept(line)) << line;
}

TEST(ParseLevel, KnowsItsOwnNamesOnly) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    EXPECT_EQ(ParseLevel(LevelName(level)), level);
  }
  EXPECT_EQ(ParseLevel("INFO"), std::nullopt);
  EXPECT_EQ(ParseLevel(""), std::nullopt);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Log, WritesWholeLinesToStandardErrorFromAnyThread) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  ::testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < kEach; ++j) Log(Level::kInfo, "tick", {{"thread", i}, {"j", j}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> lines = Lines(::testing::internal::GetCapturedStderr());
  EXPECT_EQ(lines.size(), kThreads * kEach);
  for (const std::string& line : lines) EXPECT_TRUE(json::accept(line)) << line;
}

TEST(Log, DropsWhatIsBelowTheLevel) {
  ::testing::internal::CaptureStderr();
  SetLogLevel(Level::kWarning);
  Log(Level::kInfo, "quiet");
  Log(Level::kWarning, "loud");
  SetLogLevel(Level::kInfo);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud"), std::string::npos);
}

}  // namespace
}  // namespace sealward::telemetry
