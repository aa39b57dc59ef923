#include "hsm/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "hsm/exit_codes.h"

namespace sealward::hsm {
namespace {

using ::testing::HasSubstr;

constexpr char kGood[] = R"(
module = "/usr/lib/softhsm/libsofthsm2.so"
label = "sealward"
profile = "softhsm"
pin_file = "pin"
token_directory = "tokens/abc"
)";

// What init writes, serve reads.
TEST(ConfigTest, RoundTrips) {
  const auto config = ParseConfig(kGood);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->profile->name, "softhsm");
  const auto again = ParseConfig(FormatConfig(*config));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->module, config->module);
  EXPECT_EQ(again->label, config->label);
  EXPECT_EQ(again->token_directory, "tokens/abc");
  EXPECT_EQ(again->pin_file, "pin");
  EXPECT_EQ(again->least_destroy_window, kDefaultDestroyWindow);
}

// An operator's window must hold, and one of a partition made before there was any
// is the default.
TEST(ConfigTest, TheDestroyWindowIsTheOperators) {
  const auto config = ParseConfig(absl::StrCat("least_destroy_window_s = 5", kGood));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->least_destroy_window, absl::Seconds(5));
  const auto again = ParseConfig(FormatConfig(*config));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->least_destroy_window, absl::Seconds(5));
}

struct Bad {
  const char* toml;
  const char* says;
};

// A typo that is ignored becomes a partition without its guard.
TEST(ConfigTest, SaysWhatIsWrong) {
  const Bad all[] = {
      {"", "module"},
      {"module = \"/m\"\nlabel = \"x\"\n", "profile"},
      {"module = \"/m\"\nlabel = \"x\"\nprofile = \"softhsn\"\n", "softhsm, softokn, generic"},
      {"module = \"/m\"\nlabel = \"x\"\nprofile = \"softhsm\"\n", "token_directory"},
      {"module = \"m.so\"\nlabel = \"x\"\nprofile = \"generic\"\n", "absolute"},
      {"module = \"/m\"\nprofile = \"generic\"\n", "label"},
      {"module = \"/m\"\nlabel = \"012345678901234567890123456789012\"\nprofile = \"generic\"\n",
       "label"},
      {"modul = \"/m\"\n", "unknown key \"modul\""},
      {"module = 5\n", "\"module\" must be"},
      {"module = \"\"\n", "\"module\" must be"},
      {"module = \"/m\n", "line 1"},
      {"[module]\n", "\"module\" must be"},
      {"least_destroy_window_s = -1\n", "least_destroy_window_s"},
      {"least_destroy_window_s = 31622401\n", "0 to 31622400"},
      {"least_destroy_window_s = 9223372036854775807\n", "least_destroy_window_s"},
      {"least_destroy_window_s = \"1d\"\n", "least_destroy_window_s"},
      {"least_destroy_window_s = 1.5\n", "least_destroy_window_s"},
  };
  for (const Bad& bad : all) {
    const auto config = ParseConfig(bad.toml);
    ASSERT_FALSE(config.ok()) << bad.toml;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(bad.says));
    EXPECT_EQ(ExitCodeOf(config.status()), kExitBadConfiguration);
  }
}

}  // namespace
}  // namespace sealward::hsm
