// If these go, a policy that says P1M may be taken for a minute, and a typo for a
// rotation period that nobody meant.
#include "common/iso_duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/errors.h"

namespace sealward {
namespace {

using ::testing::HasSubstr;

TEST(IsoDuration, ReadsEveryPart) {
  const absl::Duration day = absl::Hours(24);
  EXPECT_EQ(*ParseIsoDuration("P30D"), 30 * day);
  EXPECT_EQ(*ParseIsoDuration("P2W"), 14 * day);
  EXPECT_EQ(*ParseIsoDuration("PT1H30M"), absl::Minutes(90));
  EXPECT_EQ(*ParseIsoDuration("PT90M"), absl::Minutes(90));
  EXPECT_EQ(*ParseIsoDuration("P1DT2H3M4S"),
            day + absl::Hours(2) + absl::Minutes(3) + absl::Seconds(4));
  EXPECT_EQ(*ParseIsoDuration("PT1.5S"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseIsoDuration("PT0,000000001S"), absl::Nanoseconds(1));
  EXPECT_EQ(*ParseIsoDuration("P0DT1S"), absl::Seconds(1));
  EXPECT_EQ(*ParseIsoDuration("P3660D"), 3660 * day);
}

// A month has 28 to 31 days: whichever we took, somebody's standby would be late.
TEST(IsoDuration, RefusesWhatHasNoFixedLength) {
  for (const char* bad : {"P1M", "P1Y", "P1Y2M", "P1M2D", "P0Y1D"}) {
    const auto duration = ParseIsoDuration(bad);
    ASSERT_FALSE(duration.ok()) << bad;
    EXPECT_THAT(std::string(duration.status().message()), HasSubstr("no fixed length"));
    EXPECT_EQ(ErrorReason(duration.status()), "DURATION_INVALID");
  }
}

TEST(IsoDuration, RefusesWhatCannotBeMeant) {
  for (const char* bad : {"",
                          "P",
                          "PT",
                          "P1DT",
                          "30D",
                          "p30d",
                          "P30d",
                          "P-1D",
                          "-P1D",
                          "+P1D",
                          "PT0S",
                          "P0D",
                          "P0W",
                          "P1.5D",
                          "PT1.5H",
                          "P1W2D",
                          "P2DT1W",
                          "PT1M1H",
                          "P1H",
                          "PT1D",
                          "PT1S1S",
                          "P1D1D",
                          "PTT1S",
                          "P1DT1HT1M",
                          "P 1D",
                          "P1D ",
                          "PT1.S",
                          "PT.5S",
                          "PT1.0000000001S",
                          "P1T1H",
                          "P3661D",
                          "PT99999999999S",
                          "P999999999999D",
                          "P9999999999999D",
                          "P99999999999999999999D",
                          "P٣D",
                          "P1D\n"}) {
    const auto duration = ParseIsoDuration(bad);
    ASSERT_FALSE(duration.ok()) << bad << " gave " << absl::FormatDuration(*duration);
    EXPECT_EQ(ErrorReason(duration.status()), "DURATION_INVALID") << bad;
  }
}

TEST(IsoDuration, AnErrorQuotesLittle) {
  const auto duration = ParseIsoDuration("P" + std::string(10'000, '1') + "D");
  ASSERT_FALSE(duration.ok());
  EXPECT_LT(duration.status().message().size(), 300U);
}

RC_GTEST_PROP(IsoDuration, EveryDurationSurvivesARoundTrip, ()) {
  const auto seconds = *rc::gen::inRange<int64_t>(0, 3660LL * 86'400);
  const auto nanos = *rc::gen::elementOf(std::vector<int64_t>{0, 0, 1, 500'000'000, 999'999'999});
  const absl::Duration duration = absl::Seconds(seconds) + absl::Nanoseconds(nanos);
  RC_PRE(duration > absl::ZeroDuration());
  const std::string text = FormatIsoDuration(duration);
  RC_LOG() << text << "\n";
  const auto parsed = ParseIsoDuration(text);
  RC_ASSERT(parsed.ok());
  RC_ASSERT(*parsed == duration);
}

// Texts of the right letters in any order: whatever is taken is what its own
// canonical form says, positive and bounded.
RC_GTEST_PROP(IsoDuration, AnyTextIsRefusedOrMeansWhatItSays, ()) {
  const auto letters =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("PPTDHMSWY0123456789.,+- ")));
  const auto parsed = ParseIsoDuration("P" + letters);
  if (!parsed.ok()) return;
  RC_ASSERT(*parsed > absl::ZeroDuration());
  RC_ASSERT(*parsed <= kLongestDuration);
  RC_ASSERT(*ParseIsoDuration(FormatIsoDuration(*parsed)) == *parsed);
}

}  // namespace
}  // namespace sealward
