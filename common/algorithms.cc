#include "common/algorithms.h"

#include <algorithm>
#include <array>

namespace sealward {
namespace {

constexpr std::array kTable = {
    AlgorithmInfo{v1::ALGORITHM_ES256, "ES256", "ES256", KeyType::kEc, "EC", "P-256", 0, 64},
    AlgorithmInfo{v1::ALGORITHM_RS256_2048, "RS256-2048", "RS256", KeyType::kRsa, "RSA", "", 2048,
                  256},
    AlgorithmInfo{v1::ALGORITHM_RS256_3072, "RS256-3072", "RS256", KeyType::kRsa, "RSA", "", 3072,
                  384},
    AlgorithmInfo{v1::ALGORITHM_RS256_4096, "RS256-4096", "RS256", KeyType::kRsa, "RSA", "", 4096,
                  512},
    AlgorithmInfo{v1::ALGORITHM_EDDSA_ED25519, "EdDSA", "EdDSA", KeyType::kOkp, "OKP", "Ed25519", 0,
                  64},
};

}  // namespace

std::span<const AlgorithmInfo> AllAlgorithms() { return kTable; }

const AlgorithmInfo* FindAlgorithm(v1::Algorithm algorithm) {
  const auto* row = std::ranges::find(kTable, algorithm, &AlgorithmInfo::algorithm);
  return row == kTable.end() ? nullptr : row;
}

const AlgorithmInfo* FindAlgorithmByName(absl::string_view name) {
  const auto* row = std::ranges::find(kTable, name, &AlgorithmInfo::name);
  return row == kTable.end() ? nullptr : row;
}

}  // namespace sealward
