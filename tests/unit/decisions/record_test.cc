// What may stand in a record. If these break, a record holds what a caller put
// into the wrong field, or a refusal passes as a failure that nobody looks at.
#include "server/decisions/record.h"

#include <gtest/gtest.h>

#include <string>

namespace sealward::decisions {
namespace {

TEST(RecordedName, NamesOfOursStayAsTheyAre) {
  for (const std::string& name :
       {std::string(), std::string("status"), std::string("tenants/a/keys/b-1/versions/12"),
        std::string("tenants/a/keys/b/roleBindings/c"), "tenants/" + std::string(63, 'x'),
        "deniedCertificates/" + std::string(64, 'f'), "trustDomains/" + std::string(255, 'd')}) {
    EXPECT_EQ(RecordedName(name), name);
  }
}

TEST(RecordedName, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(RecordedName("a\n\"b\\\xff"), R"(a\n\"b\\\xff)");
  EXPECT_EQ(RecordedName(std::string("a\0", 2)), R"(a\x00)");
}

TEST(RecordedName, IsCut) {
  std::string name;
  for (int i = 0; i < 100'000; ++i) name += "x/";
  EXPECT_EQ(RecordedName(name).size(), kMaxRecordedName);
  EXPECT_LE(RecordedName(std::string(600, '\xff')).size(), 20U);
}

// A JWT in the field for the key's name.
TEST(RecordedName, LeavesOutWhatCannotBePartOfAName) {
  const std::string jwt = "eyJhbGciOiJFUzI1NiJ9." + std::string(80, 'P') + ".c2ln";
  EXPECT_EQ(RecordedName(jwt), "(too long)");
  EXPECT_EQ(RecordedName("tenants/a/keys/" + jwt), "tenants/a/keys/(too long)");
}

TEST(Outcome, RulesDenyAndTheRestFails) {
  using Code = absl::StatusCode;
  EXPECT_EQ(OutcomeOf(Code::kOk), Outcome::kAllowed);
  for (const Code code : {Code::kPermissionDenied, Code::kUnauthenticated, Code::kInvalidArgument,
                          Code::kFailedPrecondition, Code::kResourceExhausted}) {
    EXPECT_EQ(OutcomeOf(code), Outcome::kDenied) << absl::StatusCodeToString(code);
  }
  for (const Code code :
       {Code::kCancelled, Code::kUnknown, Code::kDeadlineExceeded, Code::kNotFound,
        Code::kAlreadyExists, Code::kAborted, Code::kOutOfRange, Code::kUnimplemented,
        Code::kInternal, Code::kUnavailable, Code::kDataLoss}) {
    EXPECT_EQ(OutcomeOf(code), Outcome::kFailed) << absl::StatusCodeToString(code);
  }
  EXPECT_EQ(OutcomeName(Outcome::kAllowed), "allowed");
  EXPECT_EQ(OutcomeName(Outcome::kDenied), "denied");
  EXPECT_EQ(OutcomeName(Outcome::kFailed), "failed");
}

}  // namespace
}  // namespace sealward::decisions
