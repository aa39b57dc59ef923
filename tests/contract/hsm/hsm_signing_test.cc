// sealward-hsm against every kind of HSM: keys and signatures, through the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using ::testing::HasSubstr;

constexpr int kOk = static_cast<int>(absl::StatusCode::kOk);
constexpr int kInvalidArgument = static_cast<int>(absl::StatusCode::kInvalidArgument);
constexpr int kNotFound = static_cast<int>(absl::StatusCode::kNotFound);
constexpr int kAlreadyExists = static_cast<int>(absl::StatusCode::kAlreadyExists);
constexpr int kFailedPrecondition = static_cast<int>(absl::StatusCode::kFailedPrecondition);

// Every case runs with each kind: if one goes, HSMs of that kind do.
class SigningTest : public ::testing::TestWithParam<HsmKind> {
 protected:
  SigningTest() : partition_(GetParam()), process_(partition_.directory()) {
    auto ready = process_.Ready();
    EXPECT_TRUE(ready.ok()) << ready.status() << process_.Log();
  }

  hsm::v1::PublicKey MustGenerate(HsmProcess& process, int n,
                                  v1::Algorithm algorithm = v1::ALGORITHM_ES256) {
    const hsm::v1::Result result = process.CallOne(GenerateOp(Ref(Id(n)), algorithm));
    EXPECT_EQ(result.code(), kOk) << result.message();
    return result.public_key();
  }

  TempPartition partition_;
  HsmProcess process_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SigningTest, ::testing::ValuesIn(AllKinds()), KindName);

// The product: without it no algorithm can be said to work.
TEST_P(SigningTest, EveryAlgorithmGeneratesSignsAndVerifies) {
  int n = 1;
  for (const AlgorithmInfo& algorithm : AllAlgorithms()) {
    SCOPED_TRACE(std::string(algorithm.name));
    if (!GetParam().Tries(algorithm)) continue;
    if (GetParam().Lacks(algorithm.algorithm)) {
      const hsm::v1::Result refused = process_.CallOne(GenerateOp(Ref(Id(n)), algorithm.algorithm));
      EXPECT_EQ(refused.reason(), "ALGORITHM_UNAVAILABLE") << refused.message();
      continue;
    }
    const hsm::v1::PublicKey key = MustGenerate(process_, n, algorithm.algorithm);
    EXPECT_FALSE(key.existed());
    EXPECT_EQ(key.algorithm(), algorithm.algorithm);
    for (uint64_t counter = 2; counter <= 4; ++counter) {  // the self-test was the first
      const std::string input = SigningInputFor(key);
      const hsm::v1::Result signed_result = process_.CallOne(SignOp(Ref(Id(n)), input));
      ASSERT_EQ(signed_result.code(), kOk) << signed_result.message();
      EXPECT_EQ(signed_result.signature().signature().size(), algorithm.signature_bytes);
      EXPECT_TRUE(Verifies(key, input, signed_result.signature().signature()));
      EXPECT_EQ(signed_result.signature().object_counter(), counter);
    }
    ++n;
  }
}

// The server repeats a generate whose answer it lost: a second key would be one
// that nobody knows of.
TEST_P(SigningTest, GenerateIsIdempotent) {
  const hsm::v1::PublicKey first = MustGenerate(process_, 1);
  const hsm::v1::PublicKey again = MustGenerate(process_, 1);
  EXPECT_FALSE(first.existed());
  EXPECT_TRUE(again.existed());
  EXPECT_EQ(first.spki(), again.spki());
  EXPECT_EQ(process_.CallOne(ListOp("", 10)).object_list().objects_size(), 1);
}

// An id that another key has must not be handed out under this key's name.
TEST_P(SigningTest, GenerateRefusesAnotherKeysIdAndAnotherAlgorithm) {
  MustGenerate(process_, 1);
  EXPECT_EQ(process_.CallOne(GenerateOp(Ref(Id(1), "tenants/evil/keys/login"), v1::ALGORITHM_ES256))
                .code(),
            kAlreadyExists);
  EXPECT_EQ(process_.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_RS256_2048)).code(),
            kAlreadyExists);
  EXPECT_EQ(process_.CallOne(GenerateOp(Ref(Id(2)), v1::ALGORITHM_UNSPECIFIED)).code(),
            kFailedPrecondition);
  EXPECT_EQ(process_.CallOne(GenerateOp(Ref(Id(2), "no/such/form"), v1::ALGORITHM_ES256)).code(),
            kInvalidArgument);
  EXPECT_EQ(process_.CallOne(GenerateOp(Ref("short"), v1::ALGORITHM_ES256)).code(),
            kInvalidArgument);
}

// A hijacked server must not get a signature under one key's name from another.
TEST_P(SigningTest, SigningRefusesWhatTheObjectDoesNotSayItself) {
  const hsm::v1::PublicKey key = MustGenerate(process_, 1);
  const hsm::v1::PublicKey other = MustGenerate(process_, 2);
  const std::string good = SigningInputFor(key);
  EXPECT_EQ(process_.CallOne(SignOp(Ref(Id(1), "tenants/evil/keys/login"), good)).code(),
            kFailedPrecondition);
  hsm::v1::ObjectRef no_purpose = Ref(Id(1));
  no_purpose.set_purpose(hsm::v1::OBJECT_PURPOSE_UNSPECIFIED);
  EXPECT_EQ(process_.CallOne(SignOp(no_purpose, good)).code(), kFailedPrecondition);
  EXPECT_EQ(process_.CallOne(SignOp(Ref(Id(1)), SigningInputFor(other))).code(),
            kFailedPrecondition);
  const std::string rs256 =
      SigningInput(absl::StrCat(R"({"alg":"RS256","kid":")", KidOf(key), R"("})"));
  EXPECT_EQ(process_.CallOne(SignOp(Ref(Id(1)), rs256)).code(), kFailedPrecondition);
  const std::string crit =
      SigningInput(absl::StrCat(R"({"alg":"ES256","crit":["b64"],"kid":")", KidOf(key), R"("})"));
  EXPECT_EQ(process_.CallOne(SignOp(Ref(Id(1)), crit)).code(), kInvalidArgument);
  EXPECT_EQ(process_.CallOne(SignOp(Ref("sealward-canary1"), good)).code(), kFailedPrecondition);
  EXPECT_EQ(process_.CallOne(SignOp(Ref(Id(9)), good)).code(), kNotFound);
}

// Several processes serve one partition; the one that generated may be busy.
TEST_P(SigningTest, AKeyOfAnotherProcessIsFound) {
  HsmProcess second(partition_.directory());
  ASSERT_TRUE(second.Ready().ok());
  const hsm::v1::PublicKey key = MustGenerate(process_, 1);
  const std::string input = SigningInputFor(key);
  const hsm::v1::Result signed_result = second.CallOne(SignOp(Ref(Id(1)), input));
  ASSERT_EQ(signed_result.code(), kOk) << signed_result.message();
  EXPECT_TRUE(Verifies(key, input, signed_result.signature().signature()));
  const hsm::v1::Result found = second.CallOne(GetOp(Ref(Id(1))));
  EXPECT_EQ(found.public_key().spki(), key.spki());
}

// A process that looked for a key before it was made must find it once the server
// says so, or has it made there.
TEST_P(SigningTest, ForgetAndGenerateEndARememberedMiss) {
  HsmProcess second(partition_.directory());
  ASSERT_TRUE(second.Ready().ok());
  EXPECT_EQ(second.CallOne(GetOp(Ref(Id(1)))).code(), kNotFound);
  MustGenerate(process_, 1);
  EXPECT_EQ(second.CallOne(ForgetOp(Id(1))).code(), kOk);
  EXPECT_EQ(second.CallOne(GetOp(Ref(Id(1)))).code(), kOk);
  EXPECT_EQ(second.CallOne(GetOp(Ref(Id(2)))).code(), kNotFound);
  MustGenerate(second, 2);
  EXPECT_EQ(second.CallOne(GetOp(Ref(Id(2)))).code(), kOk);
}

// After forget the process starts from the partition again, and goes on counting:
// a counter that restarts would hide signatures.
TEST_P(SigningTest, ForgetKeepsTheCounter) {
  const hsm::v1::PublicKey key = MustGenerate(process_, 1);
  const std::string input = SigningInputFor(key);
  const hsm::v1::Result before = process_.CallOne(SignOp(Ref(Id(1)), input));
  EXPECT_EQ(process_.CallOne(ForgetOp(Id(1))).code(), kOk);
  EXPECT_EQ(process_.CallOne(ForgetOp(Id(7))).code(), kOk);
  const hsm::v1::Result after = process_.CallOne(SignOp(Ref(Id(1)), input));
  ASSERT_EQ(after.code(), kOk) << after.message();
  EXPECT_EQ(after.signature().object_counter(), before.signature().object_counter() + 1);
}

// Reconciliation pages through everything; a page that repeats or drops an
// object would quarantine a good key.
TEST_P(SigningTest, ListPagesInOrder) {
  std::set<std::string> made;
  for (int n = 1; n <= 5; ++n) made.insert(MustGenerate(process_, n).object().object_id());
  std::vector<std::string> listed;
  std::string after;
  bool more = true;
  while (more && listed.size() < 10) {
    const hsm::v1::Result page = process_.CallOne(ListOp(after, 2));
    ASSERT_EQ(page.code(), kOk) << page.message();
    ASSERT_LE(page.object_list().objects_size(), 2);
    for (const auto& object : page.object_list().objects()) {
      listed.push_back(object.object().object_id());
      EXPECT_EQ(object.object().key(), "tenants/acme/keys/login");
    }
    EXPECT_EQ(page.object_list().unattributable(), 0U);
    more = page.object_list().more();
    after = listed.back();
  }
  EXPECT_EQ(listed, std::vector<std::string>(made.begin(), made.end()));
}

// What the server shows to an operator, and what it checks at the start.
TEST_P(SigningTest, DescribeAndHealth) {
  const hsm::v1::Result result = process_.CallOne(DescribeOp());
  EXPECT_EQ(result.description().label(), "sealward");
  EXPECT_EQ(result.description().profile(), GetParam().profile);
  EXPECT_THAT(result.description().token_model(), HasSubstr(GetParam().model));
  EXPECT_EQ(result.description().has_marks(), GetParam().has_marks);
  for (const AlgorithmInfo& algorithm : AllAlgorithms()) {
    EXPECT_EQ(std::ranges::count(result.description().algorithms(), algorithm.algorithm),
              GetParam().Lacks(algorithm.algorithm) ? 0 : 1)
        << algorithm.name;
  }
  EXPECT_EQ(process_.CallOne(HealthOp()).code(), kOk);
}

// Keys survive the process.
TEST_P(SigningTest, KeysAreThereAfterARestart) {
  const hsm::v1::PublicKey key = MustGenerate(process_, 1);
  process_.CloseSocket();
  EXPECT_EQ(process_.Wait().exit_code, 0);
  HsmProcess next(partition_.directory());
  ASSERT_TRUE(next.Ready().ok());
  const std::string input = SigningInputFor(key);
  const hsm::v1::Result signed_result = next.CallOne(SignOp(Ref(Id(1)), input));
  ASSERT_EQ(signed_result.code(), kOk) << signed_result.message();
  EXPECT_TRUE(Verifies(key, input, signed_result.signature().signature()));
}

// A packet holds several operations; one that fails must not take others along.
TEST_P(SigningTest, OperationsOfAPacketAreAnsweredInOrder) {
  const hsm::v1::PublicKey key = MustGenerate(process_, 1);
  const std::string input = SigningInputFor(key);
  auto response = process_.Call({SignOp(Ref(Id(1)), input), SignOp(Ref(Id(3)), input), HealthOp()});
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), 3);
  EXPECT_EQ(response->results(0).code(), kOk);
  EXPECT_EQ(response->results(1).code(), kNotFound);
  EXPECT_EQ(response->results(2).code(), kOk);
  EXPECT_NE(response->start_number(), 0U);
}

}  // namespace
}  // namespace sealward::hsm_test
