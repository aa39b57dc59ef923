#include "common/algorithms.h"

#include <algorithm>
#include <array>

namespace sealward {
namespace {

// RSA keys of any size can sign with any hash and padding: nine rows of each size.
constexpr AlgorithmInfo Rsa(v1::Algorithm algorithm, absl::string_view name,
                            absl::string_view jose_alg, int bits, Hash hash, RsaPadding padding) {
  const auto signature_bytes = static_cast<size_t>(bits) / 8;
  return {algorithm, name, jose_alg,        KeyType::kRsa, "RSA",
          "",        bits, signature_bytes, hash,          padding};
}

// A curve's scalars and coordinates have one length.
constexpr AlgorithmInfo Curve(v1::Algorithm algorithm, absl::string_view name, KeyType type,
                              absl::string_view kty, absl::string_view crv, Hash hash,
                              size_t coordinate_bytes) {
  return {algorithm,
          name,
          name,
          type,
          kty,
          crv,
          0,
          2 * coordinate_bytes,
          hash,
          RsaPadding::kNotRsa,
          coordinate_bytes};
}

using enum KeyType;
using enum Hash;
using enum RsaPadding;

constexpr std::array kTable = {
    Curve(v1::ALGORITHM_ES256, "ES256", kEc, "EC", "P-256", kSha256, 32),
    Curve(v1::ALGORITHM_ES384, "ES384", kEc, "EC", "P-384", kSha384, 48),
    Curve(v1::ALGORITHM_ES512, "ES512", kEc, "EC", "P-521", kSha512, 66),
    Curve(v1::ALGORITHM_EDDSA_ED25519, "EdDSA", kOkp, "OKP", "Ed25519", kNone, 32),
    Rsa(v1::ALGORITHM_RS256_2048, "RS256-2048", "RS256", 2048, kSha256, kPkcs1),
    Rsa(v1::ALGORITHM_RS256_3072, "RS256-3072", "RS256", 3072, kSha256, kPkcs1),
    Rsa(v1::ALGORITHM_RS256_4096, "RS256-4096", "RS256", 4096, kSha256, kPkcs1),
    Rsa(v1::ALGORITHM_RS384_2048, "RS384-2048", "RS384", 2048, kSha384, kPkcs1),
    Rsa(v1::ALGORITHM_RS384_3072, "RS384-3072", "RS384", 3072, kSha384, kPkcs1),
    Rsa(v1::ALGORITHM_RS384_4096, "RS384-4096", "RS384", 4096, kSha384, kPkcs1),
    Rsa(v1::ALGORITHM_RS512_2048, "RS512-2048", "RS512", 2048, kSha512, kPkcs1),
    Rsa(v1::ALGORITHM_RS512_3072, "RS512-3072", "RS512", 3072, kSha512, kPkcs1),
    Rsa(v1::ALGORITHM_RS512_4096, "RS512-4096", "RS512", 4096, kSha512, kPkcs1),
    Rsa(v1::ALGORITHM_PS256_2048, "PS256-2048", "PS256", 2048, kSha256, kPss),
    Rsa(v1::ALGORITHM_PS256_3072, "PS256-3072", "PS256", 3072, kSha256, kPss),
    Rsa(v1::ALGORITHM_PS256_4096, "PS256-4096", "PS256", 4096, kSha256, kPss),
    Rsa(v1::ALGORITHM_PS384_2048, "PS384-2048", "PS384", 2048, kSha384, kPss),
    Rsa(v1::ALGORITHM_PS384_3072, "PS384-3072", "PS384", 3072, kSha384, kPss),
    Rsa(v1::ALGORITHM_PS384_4096, "PS384-4096", "PS384", 4096, kSha384, kPss),
    Rsa(v1::ALGORITHM_PS512_2048, "PS512-2048", "PS512", 2048, kSha512, kPss),
    Rsa(v1::ALGORITHM_PS512_3072, "PS512-3072", "PS512", 3072, kSha512, kPss),
    Rsa(v1::ALGORITHM_PS512_4096, "PS512-4096", "PS512", 4096, kSha512, kPss),
};

}  // namespace

std::span<const AlgorithmInfo> AllAlgorithms() { return kTable; }

const AlgorithmInfo* FindAlgorithm(v1::Algorithm algorithm) {
  const auto* row = std::ranges::find(kTable, algorithm, &AlgorithmInfo::algorithm);
  return row == kTable.end() ? nullptr : row;
}

bool IsUsual(const AlgorithmInfo& algorithm) {
  const auto* first = std::ranges::find_if(kTable, [&](const AlgorithmInfo& row) {
    return row.key_type == algorithm.key_type && row.crv == algorithm.crv &&
           row.modulus_bits == algorithm.modulus_bits;
  });
  return first->algorithm == algorithm.algorithm;
}

const AlgorithmInfo* FindAlgorithmByName(absl::string_view name) {
  const auto* row = std::ranges::find(kTable, name, &AlgorithmInfo::name);
  return row == kTable.end() ? nullptr : row;
}

}  // namespace sealward
