// Which algorithms warn the owner of a key, and whom they name. Without this a warning stays when a
// validator has learnt the algorithm, or names one for another's lack.
#include "server/api/algorithm_warning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/algorithms.h"

namespace sealward::api {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

testing::Matcher<std::string> ExpectedOf(absl::string_view alg) {
  if (alg.substr(0, 2) == "ES" || alg == "RS256") return IsEmpty();
  const auto begin = StartsWith(std::string(alg) + " narrows the audience: ");
  if (alg == "EdDSA") {
    return AllOf(begin, HasSubstr("jsonwebtoken"), HasSubstr("Spring Security"),
                 Not(HasSubstr("aws-jwt-verify")), Not(HasSubstr("go-oidc")),
                 Not(HasSubstr("API Gateway")));
  }
  if (alg.substr(0, 2) == "PS") {
    return AllOf(begin, HasSubstr("aws-jwt-verify"), Not(HasSubstr("jsonwebtoken")));
  }
  return AllOf(begin, HasSubstr("external signer"), Not(HasSubstr("cannot verify")));
}

TEST(AlgorithmWarningTest, NamesWhoLacksTheAlgorithm) {
  for (const AlgorithmInfo& algorithm : AllAlgorithms()) {
    EXPECT_THAT(AlgorithmWarning(algorithm, v1::VALIDATOR_PROFILE_DEFAULT),
                ExpectedOf(algorithm.jose_alg))
        << algorithm.name;
  }
}

TEST(AlgorithmWarningTest, OfApiGatewayWhereTheIssuerIsForAws) {
  for (const AlgorithmInfo& algorithm : AllAlgorithms()) {
    const auto warning = AlgorithmWarning(algorithm, v1::VALIDATOR_PROFILE_AWS);
    if (algorithm.key_type == KeyType::kRsa) {
      EXPECT_THAT(warning, Not(HasSubstr("API Gateway"))) << algorithm.name;
    } else {
      EXPECT_THAT(warning, HasSubstr("AWS API Gateway's HTTP APIs take RSA only"))
          << algorithm.name;
    }
  }
}

}  // namespace
}  // namespace sealward::api
