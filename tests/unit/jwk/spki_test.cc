// If this goes, a store record whose public key was damaged may be loaded and published.
#include "common/spki.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "common/base64url.h"
#include "common/jwk.h"
#include "common/public_key.h"
#include "tests/unit/jwk/vectors.h"

namespace sealward {
namespace {

using testing::EcSpki;
using testing::Ed25519Spki;
using testing::RsaSpki;

const AlgorithmInfo& Algorithm(v1::Algorithm algorithm) { return *FindAlgorithm(algorithm); }

std::string FlipBit(std::string text, size_t bit) {
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  return text;
}

TEST(ReadSpki, GivesTheMembersThatOpenSslReads) {
  const std::string ec = EcSpki(testing::kEs256X, testing::kEs256Y);
  const auto point = ReadSpki(Algorithm(v1::ALGORITHM_ES256), ec);
  ASSERT_TRUE(point);
  EXPECT_EQ(Base64UrlEncode(point->x), testing::kEs256X);
  EXPECT_EQ(Base64UrlEncode(point->y), testing::kEs256Y);
  const std::string okp = Ed25519Spki(testing::kEd25519X);
  const auto ed25519 = ReadSpki(Algorithm(v1::ALGORITHM_EDDSA_ED25519), okp);
  ASSERT_TRUE(ed25519);
  EXPECT_EQ(Base64UrlEncode(ed25519->x), testing::kEd25519X);
  for (const absl::string_view e : {"AQAB", "_____w"}) {
    const std::string rsa = RsaSpki(testing::kRs256N, e);
    const auto members = ReadSpki(Algorithm(v1::ALGORITHM_RS256_2048), rsa);
    ASSERT_TRUE(members) << e;
    EXPECT_EQ(Base64UrlEncode(members->n), testing::kRs256N);
    EXPECT_EQ(Base64UrlEncode(members->e), e);
  }
}

// Keys without many factors to look for: both readers take exactly the same, so no
// damaged bit gets past the quick one.
TEST(ReadSpki, TakesWhatOpenSslTakesOfEcAndEd25519) {
  const struct {
    v1::Algorithm algorithm;
    std::string spki;
  } keys[] = {{v1::ALGORITHM_ES256, EcSpki(testing::kEs256X, testing::kEs256Y)},
              {v1::ALGORITHM_EDDSA_ED25519, Ed25519Spki(testing::kEd25519X)}};
  for (const auto& [algorithm, spki] : keys) {
    for (size_t bit = 0; bit < spki.size() * 8; ++bit) {
      const std::string flipped = FlipBit(spki, bit);
      EXPECT_EQ(ReadSpki(Algorithm(algorithm), flipped).has_value(),
                ParsePublicKey(Algorithm(algorithm), flipped).ok())
          << bit;
    }
    for (size_t size = 0; size < spki.size(); ++size) {
      EXPECT_FALSE(ReadSpki(Algorithm(algorithm), absl::string_view(spki).substr(0, size)));
    }
    EXPECT_FALSE(ReadSpki(Algorithm(algorithm), spki + '\0'));
  }
}

// Of an RSA key only the modulus may be another than OpenSSL would take, and then it is
// another key with another kid.
TEST(ReadSpki, TakesWhatOpenSslTakesOfRsaButForTheModulus) {
  const AlgorithmInfo& algorithm = Algorithm(v1::ALGORITHM_RS256_2048);
  const std::string spki = RsaSpki(testing::kRs256N);
  const std::string kid = JwkFromSpki(algorithm, spki)->kid();
  const size_t modulus = spki.find(*Base64UrlDecode(testing::kRs256N));
  ASSERT_NE(modulus, std::string::npos);
  for (size_t bit = 0; bit < spki.size() * 8; ++bit) {
    const std::string flipped = FlipBit(spki, bit);
    const auto jwk = JwkFromCheckedSpki(algorithm, flipped);
    const bool in_modulus = bit / 8 >= modulus && bit / 8 < modulus + 256;
    if (in_modulus) {
      EXPECT_NE(jwk.ok() ? jwk->kid() : "", kid) << bit;
      // The first bit is its size, the last bit of the last byte says that it is odd.
      const bool is_bound = bit == modulus * 8 + 7 || bit == (modulus + 255) * 8;
      EXPECT_EQ(jwk.ok(), !is_bound) << bit;
    } else {
      EXPECT_EQ(jwk.ok(), ParsePublicKey(algorithm, flipped).ok()) << bit;
    }
  }
  for (size_t size = 0; size < spki.size(); ++size) {
    EXPECT_FALSE(ReadSpki(algorithm, absl::string_view(spki).substr(0, size)));
  }
  EXPECT_FALSE(ReadSpki(algorithm, spki + '\0'));
}

// Exponents out of bounds, and numbers that are not in their one form.
TEST(ReadSpki, RefusesUnsoundRsaKeys) {
  const AlgorithmInfo& algorithm = Algorithm(v1::ALGORITHM_RS256_2048);
  for (const absl::string_view e : {"AQ", "Aw", "AQAA"}) {
    EXPECT_FALSE(ReadSpki(algorithm, RsaSpki(testing::kRs256N, e))) << e;
  }
  EXPECT_FALSE(ReadSpki(Algorithm(v1::ALGORITHM_RS256_3072), RsaSpki(testing::kRs256N)));
  std::string indefinite = RsaSpki(testing::kRs256N);
  indefinite[1] = '\x80';  // BER's open end
  EXPECT_FALSE(ReadSpki(algorithm, indefinite));
}

}  // namespace
}  // namespace sealward
