// SignRaw on a real partition: if these go, certificates and images get signatures that nobody
// can verify, or of another digest than was asked for.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/verifier.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

class RawTest : public ::testing::Test {
 protected:
  RawTest() : process_(partition_.directory()) {
    EXPECT_TRUE(process_.Ready().ok()) << process_.Log();
  }

  static hsm::v1::ObjectRef RawRef(int n) {
    hsm::v1::ObjectRef ref = Ref(Id(n));
    ref.set_purpose(hsm::v1::OBJECT_PURPOSE_RAW);
    return ref;
  }
  hsm::v1::PublicKey Make(int n, v1::Algorithm algorithm) {
    const hsm::v1::Result made = process_.CallOne(GenerateOp(RawRef(n), algorithm));
    EXPECT_EQ(made.code(), 0) << made.message();
    EXPECT_EQ(made.public_key().object().purpose(), hsm::v1::OBJECT_PURPOSE_RAW);
    return made.public_key();
  }
  hsm::v1::Result Sign(int n, const SignatureInput& input) {
    hsm::v1::Operation operation;
    hsm::v1::SignRaw& sign = *operation.mutable_sign_raw();
    *sign.mutable_object() = RawRef(n);
    if (input.is_digest) {
      sign.set_digest(std::string(input.data));
    } else {
      sign.set_message(std::string(input.data));
    }
    if (input.pss_salt_bytes) sign.set_pss_salt_bytes(static_cast<uint32_t>(*input.pss_salt_bytes));
    return process_.CallOne(operation);
  }
  static bool Verifies(const hsm::v1::PublicKey& key, const SignatureInput& input,
                       const std::string& signature) {
    auto verifier = Verifier::Create(*FindAlgorithm(key.algorithm()), key.spki());
    return verifier.ok() && (*verifier)->Verify(input, signature);
  }

  TempPartition partition_;
  HsmProcess process_;
};

TEST_F(RawTest, EveryFamilySignsMessagesAndDigests) {
  int n = 0;
  for (const v1::Algorithm algorithm :
       {v1::ALGORITHM_ES256, v1::ALGORITHM_ES384, v1::ALGORITHM_ES512, v1::ALGORITHM_RS256_2048,
        v1::ALGORITHM_RS384_2048, v1::ALGORITHM_RS512_2048, v1::ALGORITHM_PS256_2048,
        v1::ALGORITHM_PS384_2048, v1::ALGORITHM_PS512_2048, v1::ALGORITHM_EDDSA_ED25519}) {
    const AlgorithmInfo& row = *FindAlgorithm(algorithm);
    SCOPED_TRACE(std::string(row.name));
    const hsm::v1::PublicKey key = Make(++n, algorithm);
    const hsm::v1::Result of_message = Sign(n, {"message"});
    ASSERT_EQ(of_message.code(), 0) << of_message.message();
    EXPECT_TRUE(Verifies(key, {"message"}, of_message.signature().signature()));
    const std::string digest(row.hash == Hash::kNone ? 64 : HashBytes(row.hash), 'd');
    const hsm::v1::Result of_digest = Sign(n, {digest, true});
    if (row.hash == Hash::kNone) {
      EXPECT_EQ(of_digest.reason(), "RAW_INPUT_INVALID");
      continue;
    }
    ASSERT_EQ(of_digest.code(), 0) << of_digest.message();
    EXPECT_TRUE(Verifies(key, {digest, true}, of_digest.signature().signature()));
    EXPECT_EQ(of_digest.signature().object_counter(), 3U);  // with the self-test's
  }
}

TEST_F(RawTest, ASaltHasTheLengthThatWasAskedFor) {
  const hsm::v1::PublicKey key = Make(1, v1::ALGORITHM_PS256_2048);
  for (const std::optional<size_t> salt : {std::optional<size_t>(), std::optional<size_t>(0),
                                           std::optional<size_t>(20), std::optional<size_t>(32)}) {
    const hsm::v1::Result result = Sign(1, {"m", false, salt});
    ASSERT_EQ(result.code(), 0) << result.message();
    EXPECT_TRUE(Verifies(key, {"m", false, salt.value_or(32)}, result.signature().signature()));
  }
  EXPECT_EQ(Sign(1, {"m", false, 33}).reason(), "RAW_INPUT_INVALID");
}

TEST_F(RawTest, RefusesAnInputThatTheAlgorithmHasNot) {
  Make(1, v1::ALGORITHM_ES384);
  for (const size_t bytes : {0U, 32U, 47U, 49U, 64U}) {
    EXPECT_EQ(Sign(1, {std::string(bytes, 'd'), true}).reason(), "RAW_INPUT_INVALID") << bytes;
  }
  EXPECT_EQ(Sign(1, {"m", false, 0}).reason(), "RAW_INPUT_INVALID");
  hsm::v1::Operation nothing;
  *nothing.mutable_sign_raw()->mutable_object() = RawRef(1);
  EXPECT_EQ(process_.CallOne(nothing).reason(), "RAW_INPUT_INVALID");
}

}  // namespace
}  // namespace sealward::hsm_test
