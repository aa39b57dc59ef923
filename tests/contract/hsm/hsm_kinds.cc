#include "tests/contract/hsm/hsm_kinds.h"

#include <algorithm>

namespace sealward::hsm_test {
namespace {

constexpr int kSmallestModulusBits = 2048;

}  // namespace

std::vector<HsmKind> AllKinds() {
  return {
      {.name = "softhsm",
       .profile = "softhsm",
       .made_as = "softhsm",
       .module = nullptr,
       .model = "SoftHSM",
       .has_marks = true,
       .lacks = {},
       .every_size = true},
      {.name = "generic",
       .profile = "generic",
       .made_as = "softhsm",
       .module = nullptr,
       .model = "SoftHSM",
       .has_marks = false,
       .lacks = {},
       .every_size = false},
      {.name = "softokn",
       .profile = "softokn",
       .made_as = "softokn",
       .module = nullptr,
       .model = "NSS",
       .has_marks = false,
       .lacks = {v1::ALGORITHM_EDDSA_ED25519},
       .every_size = true},
      {.name = "cloud",
       .profile = "generic",
       .made_as = "softhsm",
       .module = SEALWARD_CLOUD_MODULE,
       .model = "SoftHSM",
       .has_marks = false,
       .lacks = {},
       .every_size = false},
      {.name = "slow",
       .profile = "generic",
       .made_as = "softhsm",
       .module = SEALWARD_SLOW_MODULE,
       .model = "SoftHSM",
       .has_marks = false,
       .lacks = {},
       .every_size = false},
  };
}

bool HsmKind::Lacks(v1::Algorithm algorithm) const {
  return std::ranges::find(lacks, algorithm) != lacks.end();
}

bool HsmKind::Tries(const AlgorithmInfo& algorithm) const {
  return every_size || algorithm.modulus_bits <= kSmallestModulusBits;
}

std::string KindName(const ::testing::TestParamInfo<HsmKind>& kind) { return kind.param.name; }

}  // namespace sealward::hsm_test
