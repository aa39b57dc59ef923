#include "common/algorithms.h"

#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/descriptor.h"

namespace sealward {
namespace {

// An algorithm of the API without a row could be asked for, but never made.
TEST(AlgorithmsTest, EveryValueOfTheApiHasOneRow) {
  const auto* values = google::protobuf::GetEnumDescriptor<v1::Algorithm>();
  EXPECT_EQ(static_cast<size_t>(values->value_count()), AllAlgorithms().size() + 1);
  for (int i = 0; i < values->value_count(); ++i) {
    const auto algorithm = static_cast<v1::Algorithm>(values->value(i)->number());
    const AlgorithmInfo* row = FindAlgorithm(algorithm);
    if (algorithm == v1::ALGORITHM_UNSPECIFIED) {
      EXPECT_EQ(row, nullptr);
      continue;
    }
    ASSERT_NE(row, nullptr) << values->value(i)->name();
    EXPECT_EQ(row->algorithm, algorithm);
    EXPECT_EQ(FindAlgorithmByName(row->name), row);
  }
}

TEST(AlgorithmsTest, UnknownIsNull) {
  EXPECT_EQ(FindAlgorithm(static_cast<v1::Algorithm>(99)), nullptr);
  for (const char* name : {"", "none", "HS256", "es256", "RS256", "ES256 "}) {
    EXPECT_EQ(FindAlgorithmByName(name), nullptr) << name;
  }
}

// RFC 7518 section 3.4, RFC 8017 section 8.2.1, RFC 8032 section 5.1.6.
TEST(AlgorithmsTest, SignatureSizes) {
  EXPECT_EQ(FindAlgorithmByName("ES256")->signature_bytes, 64U);
  EXPECT_EQ(FindAlgorithmByName("ES384")->signature_bytes, 96U);
  EXPECT_EQ(FindAlgorithmByName("ES512")->signature_bytes, 132U);
  EXPECT_EQ(FindAlgorithmByName("EdDSA")->signature_bytes, 64U);
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    if (row.key_type != KeyType::kRsa) continue;
    EXPECT_EQ(row.signature_bytes * 8, static_cast<size_t>(row.modulus_bits)) << row.name;
  }
}

// RFC 7518 section 3.1: the name says hash and padding. One row that says another would sign
// what no validator verifies.
TEST(AlgorithmsTest, TheNameSaysTheRest) {
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    const std::string name(row.name);
    EXPECT_EQ(name.substr(0, row.jose_alg.size()), row.jose_alg);
    if (row.key_type == KeyType::kOkp) continue;
    const std::string bits = std::to_string(HashBytes(row.hash) * 8);
    EXPECT_EQ(row.jose_alg.substr(2), bits) << name;
    const bool rsa = row.key_type == KeyType::kRsa;
    EXPECT_EQ(row.padding, !rsa             ? RsaPadding::kNotRsa
                           : name[0] == 'P' ? RsaPadding::kPss
                                            : RsaPadding::kPkcs1);
    if (rsa) {
      EXPECT_EQ(name.substr(6), std::to_string(row.modulus_bits));
    }
  }
}

// Partitions have pairs whose labels name no algorithm: what those sign with is for ever.
TEST(AlgorithmsTest, TheUsualOnesStayTheUsualOnes) {
  std::string usual;
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    if (IsUsual(row)) usual += std::string(row.name) + " ";
  }
  EXPECT_EQ(usual, "ES256 ES384 ES512 EdDSA RS256-2048 RS256-3072 RS256-4096 ");
}

}  // namespace
}  // namespace sealward
