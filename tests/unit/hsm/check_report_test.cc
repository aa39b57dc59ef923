// The page of sealward-hsm check, and what it comes to.
#include "hsm/check_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sealward::hsm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CheckReport Good() {
  CheckReport report;
  report.module = {"/lib/module.so"};
  report.algorithms = {
      {.name = "ES256", .offered = true, .outcome = Outcome::kYes, .detail = "ok"},
      {.name = "EdDSA", .offered = false, .outcome = Outcome::kNotTried, .detail = ""}};
  AddFinding(report, true, "C_DestroyObject", absl::OkStatus(), "");
  AddFinding(report, false, "C_CopyObject", absl::UnimplementedError("refused"), "", "it is slow");
  return report;
}

// An operator reads the last line; a script reads the exit code that comes of it.
TEST(CheckReportTest, WhatIsOptionalMayBeMissing) {
  EXPECT_TRUE(Usable(Good()));
  const std::string page = FormatReport(Good());
  EXPECT_THAT(page, HasSubstr("Sealward can use this module."));
  EXPECT_THAT(page, HasSubstr("refused\n           without it it is slow"));
  EXPECT_THAT(page, HasSubstr("the module does not offer it"));
}

TEST(CheckReportTest, WhatIsRequiredMayNot) {
  CheckReport report = Good();
  AddFinding(report, true, "C_FindObjects", absl::InternalError("found 3"), "");
  EXPECT_FALSE(Usable(report));
  EXPECT_THAT(FormatReport(report), HasSubstr("CANNOT"));
}

// A module whose every algorithm was seen to fail is of no use, whatever it offers.
TEST(CheckReportTest, OneAlgorithmMustWork) {
  CheckReport report = Good();
  report.algorithms[0].outcome = Outcome::kNo;
  EXPECT_FALSE(Usable(report));
  report.algorithms[1] = {.name = "EdDSA", .offered = true, .outcome = Outcome::kYes, .detail = ""};
  EXPECT_TRUE(Usable(report));
  report.algorithms.clear();
  EXPECT_FALSE(Usable(report));
}

// What nobody tried must not read like a success.
TEST(CheckReportTest, SaysThatNothingWasTried) {
  CheckReport report = Good();
  report.algorithms[0].outcome = Outcome::kNotTried;
  EXPECT_TRUE(Usable(report));
  const std::string page = FormatReport(report);
  EXPECT_THAT(page, HasSubstr("nothing was tried"));
  EXPECT_THAT(page, Not(HasSubstr("can use")));
}

}  // namespace
}  // namespace sealward::hsm
