// The kinds of HSM that the contract suite runs on, as data.
#ifndef SEALWARD_TESTS_CONTRACT_HSM_HSM_KINDS_H_
#define SEALWARD_TESTS_CONTRACT_HSM_HSM_KINDS_H_

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "common/algorithms.h"

namespace sealward::hsm_test {

// HsmKind is a module with the profile that it is served with, and what it does not have.
// A case that needs more asserts the refusal.
struct HsmKind {
  const char* name;
  const char* profile;
  const char* made_as;  // profile that sealward-hsm init makes the partition with
  const char* module;   // nullptr: the one that init chose
  const char* model;    // part of what the token says it is
  bool has_marks;
  std::vector<v1::Algorithm> lacks;
  // Whether RSA pairs of every size are made: once for each module is enough.
  bool every_size;

  bool Lacks(v1::Algorithm algorithm) const;
  // Whether a case that makes pairs of every kind makes this one.
  bool Tries(const AlgorithmInfo& algorithm) const;
};

// SoftHSM2; the same with nothing but what every HSM has; NSS's softokn; and SoftHSM2 as
// a cloud HSM and across a network (tests/fakes/pkcs11_shim).
std::vector<HsmKind> AllKinds();

// For INSTANTIATE_TEST_SUITE_P, and for what GoogleTest prints of a failure.
std::string KindName(const ::testing::TestParamInfo<HsmKind>& kind);
inline std::ostream& operator<<(std::ostream& out, const HsmKind& kind) { return out << kind.name; }

}  // namespace sealward::hsm_test

#endif  // SEALWARD_TESTS_CONTRACT_HSM_HSM_KINDS_H_
