// What a key may be asked to sign. If these go, a digest of the wrong length or a salt that the
// standard does not allow reaches the HSM, and what it answers is anybody's guess.
#include "common/signature_input.h"

#include <gtest/gtest.h>

#include <string>

#include "common/errors.h"

namespace sealward {
namespace {

absl::Status Check(absl::string_view algorithm, const SignatureInput& input) {
  return CheckSignatureInput(input, *FindAlgorithmByName(algorithm));
}

TEST(SignatureInputTest, AnyMessageIsFine) {
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    EXPECT_TRUE(CheckSignatureInput({""}, row).ok()) << row.name;
    EXPECT_TRUE(CheckSignatureInput({std::string(1000, 'm')}, row).ok()) << row.name;
  }
}

TEST(SignatureInputTest, ADigestIsAsLongAsTheAlgorithmsHash) {
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    for (const size_t bytes : {0U, 20U, 31U, 32U, 33U, 48U, 64U, 65U}) {
      const std::string digest(bytes, 'd');
      const absl::Status status = CheckSignatureInput({digest, /*is_digest=*/true}, row);
      EXPECT_EQ(status.ok(), bytes > 0 && bytes == HashBytes(row.hash)) << row.name << bytes;
      EXPECT_EQ(ErrorReason(status), status.ok() ? "" : "RAW_INPUT_INVALID");
    }
  }
}

TEST(SignatureInputTest, ASaltIsOfPssAndNoLongerThanTheHash) {
  EXPECT_TRUE(Check("PS256-2048", {"m", false, 0}).ok());
  EXPECT_TRUE(Check("PS256-2048", {"m", false, 32}).ok());
  EXPECT_FALSE(Check("PS256-2048", {"m", false, 33}).ok());
  EXPECT_TRUE(Check("PS512-4096", {"m", false, 64}).ok());
  for (const char* name : {"RS256-2048", "ES256", "EdDSA"}) {
    EXPECT_FALSE(Check(name, {"m", false, 0}).ok()) << name;
  }
}

}  // namespace
}  // namespace sealward
