// Which of the algorithms that a partition offers the canary gets.
#include "hsm/mechanisms.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace sealward::hsm {
namespace {

std::vector<const Mechanism*> Rows(std::initializer_list<v1::Algorithm> algorithms) {
  std::vector<const Mechanism*> rows;
  for (const v1::Algorithm algorithm : algorithms) rows.push_back(FindMechanism(algorithm));
  return rows;
}

// The canary's label names no algorithm, so a pair of another one would be read as the
// usual one of its kind, and no start would go well ever after.
TEST(CanaryMechanismTest, IsTheFirstThatItsLabelNeedNotName) {
  EXPECT_EQ(CanaryMechanism(Rows({v1::ALGORITHM_PS256_2048, v1::ALGORITHM_RS256_3072})),
            FindMechanism(v1::ALGORITHM_RS256_3072));
  EXPECT_EQ(CanaryMechanism(Rows({v1::ALGORITHM_ES384, v1::ALGORITHM_RS256_2048})),
            FindMechanism(v1::ALGORITHM_ES384));
  EXPECT_EQ(CanaryMechanism(Rows({v1::ALGORITHM_PS256_2048, v1::ALGORITHM_RS512_2048})), nullptr);
  EXPECT_EQ(CanaryMechanism({}), nullptr);
}

}  // namespace
}  // namespace sealward::hsm
