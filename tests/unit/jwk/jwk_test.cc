// If these go, a wrong kid or a malformed JWK reaches validators, which then
// refuse honest JWTs, or two keys share a kid.
#include "common/jwk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "tests/unit/jwk/vectors.h"

namespace sealward {
namespace {

using testing::EcSpki;
using testing::Ed25519Spki;
using testing::RsaSpki;

const AlgorithmInfo& Algorithm(v1::Algorithm algorithm) { return *FindAlgorithm(algorithm); }

void ExpectRefused(v1::Algorithm algorithm, absl::string_view spki) {
  const auto jwk = JwkFromSpki(Algorithm(algorithm), spki);
  ASSERT_FALSE(jwk.ok());
  EXPECT_EQ(jwk.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(jwk.status()), "PUBLIC_KEY_INVALID");
}

TEST(JwkThumbprint, OfRfc7638Section31) {
  const auto jwk = JwkFromSpki(Algorithm(v1::ALGORITHM_RS256_2048), RsaSpki(testing::kThumbprintN));
  ASSERT_TRUE(jwk.ok()) << jwk.status();
  EXPECT_EQ(jwk->n(), testing::kThumbprintN);
  EXPECT_EQ(jwk->e(), "AQAB");
  EXPECT_EQ(jwk->kid(), testing::kThumbprintKid);
}

TEST(JwkThumbprint, OfRfc8037AppendixA3) {
  const auto jwk =
      JwkFromSpki(Algorithm(v1::ALGORITHM_EDDSA_ED25519), Ed25519Spki(testing::kEd25519X));
  ASSERT_TRUE(jwk.ok()) << jwk.status();
  EXPECT_EQ(jwk->kid(), testing::kEd25519Kid);
}

// The RFC has no EC vector; this one was made with jwcrypto and with jose.
TEST(JwkThumbprint, OfAnEcKey) {
  const auto jwk =
      JwkFromSpki(Algorithm(v1::ALGORITHM_ES256), EcSpki(testing::kEs256X, testing::kEs256Y));
  ASSERT_TRUE(jwk.ok()) << jwk.status();
  EXPECT_EQ(jwk->kid(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

// kid, alg and use are no part of the thumbprint: it must not change with them.
TEST(JwkThumbprint, CoversTheRequiredMembersOnly) {
  v1::PublicJwk jwk;
  jwk.set_kty("OKP");
  jwk.set_crv("Ed25519");
  jwk.set_x(std::string(testing::kEd25519X));
  const std::string bare = JwkThumbprint(jwk);
  jwk.set_kid("something");
  jwk.set_alg("EdDSA");
  jwk.set_use("sig");
  EXPECT_EQ(JwkThumbprint(jwk), bare);
}

TEST(JwkFromSpki, GivesExactlyThePublicMembers) {
  const auto ec =
      JwkFromSpki(Algorithm(v1::ALGORITHM_ES256), EcSpki(testing::kEs256X, testing::kEs256Y));
  ASSERT_TRUE(ec.ok()) << ec.status();
  EXPECT_EQ(ec->kty(), "EC");
  EXPECT_EQ(ec->crv(), "P-256");
  EXPECT_EQ(ec->alg(), "ES256");
  EXPECT_EQ(ec->use(), "sig");
  EXPECT_EQ(ec->x(), testing::kEs256X);
  EXPECT_EQ(ec->y(), testing::kEs256Y);
  EXPECT_EQ(ec->n(), "");

  const auto okp =
      JwkFromSpki(Algorithm(v1::ALGORITHM_EDDSA_ED25519), Ed25519Spki(testing::kEd25519X));
  ASSERT_TRUE(okp.ok()) << okp.status();
  EXPECT_EQ(okp->kty(), "OKP");
  EXPECT_EQ(okp->alg(), "EdDSA");
  EXPECT_EQ(okp->x(), testing::kEd25519X);
  EXPECT_EQ(okp->y(), "");
}

// RFC 7518 section 6.2.1.2: a coordinate keeps its leading zeros. Without them
// one key in 256 has an x that validators refuse.
TEST(JwkFromSpki, PadsCoordinatesToTheFieldSize) {
  // 40393 G: its x starts with two zero bytes.
  constexpr absl::string_view kX = "AAA_XxeKoHBsQjHrblSVqhZCxbiplBJ8iUZfIplKQvk";
  constexpr absl::string_view kY = "wkizN1mfDC8pdy4lbx1VScibqeVzE4LNHjzAnRDQC1U";
  const auto jwk = JwkFromSpki(Algorithm(v1::ALGORITHM_ES256), EcSpki(kX, kY));
  ASSERT_TRUE(jwk.ok()) << jwk.status();
  EXPECT_EQ(jwk->x(), kX);
}

TEST(JwkFromSpki, RefusesTrailingBytesAndCutKeys) {
  const std::string ec = EcSpki(testing::kEs256X, testing::kEs256Y);
  const std::string okp = Ed25519Spki(testing::kEd25519X);
  ExpectRefused(v1::ALGORITHM_ES256, absl::StrCat(ec, std::string(1, '\0')));
  ExpectRefused(v1::ALGORITHM_ES256, absl::string_view(ec).substr(0, ec.size() - 1));
  ExpectRefused(v1::ALGORITHM_EDDSA_ED25519, absl::StrCat(okp, "x"));
  ExpectRefused(v1::ALGORITHM_RS256_2048, absl::StrCat(RsaSpki(testing::kRs256N), "x"));
  ExpectRefused(v1::ALGORITHM_ES256, "");
  ExpectRefused(v1::ALGORITHM_ES256, std::string(1 << 20, '0'));
}

// One key, one encoding: BER forms would give one key several records.
TEST(JwkFromSpki, RefusesWhatIsNotDer) {
  std::string long_form = EcSpki(testing::kEs256X, testing::kEs256Y);
  long_form.replace(1, 1, "\x81\x59");  // the length in two bytes where one is enough
  ExpectRefused(v1::ALGORITHM_ES256, long_form);
}

TEST(JwkFromSpki, RefusesAnotherTypeCurveOrSize) {
  const std::string ec = EcSpki(testing::kEs256X, testing::kEs256Y);
  const std::string rsa = RsaSpki(testing::kRs256N);
  const std::string okp = Ed25519Spki(testing::kEd25519X);
  ExpectRefused(v1::ALGORITHM_ES256, rsa);
  ExpectRefused(v1::ALGORITHM_ES256, okp);
  ExpectRefused(v1::ALGORITHM_RS256_2048, ec);
  ExpectRefused(v1::ALGORITHM_RS256_3072, rsa);
  ExpectRefused(v1::ALGORITHM_EDDSA_ED25519, ec);
  // secp256k1 has the same size as P-256; this is its generator.
  ExpectRefused(
      v1::ALGORITHM_ES256,
      absl::HexStringToBytes("3056301006072a8648ce3d020106052b8104000a03420004"
                             "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                             "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"));
  // X25519 has the same shape as Ed25519 but is for key agreement.
  std::string x25519 = okp;
  x25519[8] = '\x6e';
  ExpectRefused(v1::ALGORITHM_EDDSA_ED25519, x25519);
}

TEST(JwkFromSpki, RefusesAPointOffTheCurve) {
  std::string spki = EcSpki(testing::kEs256X, testing::kEs256Y);
  spki.back() = static_cast<char>(spki.back() ^ 1);
  ExpectRefused(v1::ALGORITHM_ES256, spki);
}

// RSA with e = 1 verifies any message; an even e is no RSA key.
TEST(JwkFromSpki, RefusesAnUnsoundExponent) {
  for (const absl::string_view e : {"AQ", "Aw", "AQAA"}) {
    ExpectRefused(v1::ALGORITHM_RS256_2048, RsaSpki(testing::kRs256N, e));
  }
}

}  // namespace
}  // namespace sealward
