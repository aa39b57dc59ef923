#include "common/algorithms.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(FindAlgorithmByName("EdDSA")->signature_bytes, 64U);
  for (const char* name : {"RS256-2048", "RS256-3072", "RS256-4096"}) {
    const AlgorithmInfo* row = FindAlgorithmByName(name);
    EXPECT_EQ(row->signature_bytes * 8, static_cast<size_t>(row->modulus_bits));
    EXPECT_EQ(row->jose_alg, "RS256");
  }
}

}  // namespace
}  // namespace sealward
