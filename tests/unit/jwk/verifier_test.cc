// Every signature is checked with Verifier before it leaves the server. If
// these go, a faulty signature (which gives an RSA or EdDSA key away) or one by
// a wrong handle may be released.
#include "common/verifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "tests/fakes/fake_key.h"
#include "tests/unit/jwk/vectors.h"

namespace sealward {
namespace {

struct Vector {
  const char* name;
  v1::Algorithm algorithm;
  std::string spki;
  std::string input;
  std::string signature;
};

Vector Rs256() {
  return {"Rs256", v1::ALGORITHM_RS256_2048, testing::RsaSpki(testing::kRs256N),
          absl::StrCat(testing::kRs256Header, ".", testing::kJwsPayload),
          Base64UrlDecode(testing::kRs256Signature).value()};
}
Vector Es256() {
  return {"Es256", v1::ALGORITHM_ES256, testing::EcSpki(testing::kEs256X, testing::kEs256Y),
          absl::StrCat(testing::kEs256Header, ".", testing::kJwsPayload),
          Base64UrlDecode(testing::kEs256Signature).value()};
}
Vector Ps384() {
  return {"Ps384", v1::ALGORITHM_PS384_2048, testing::RsaSpki(testing::kPs384N),
          absl::StrCat(testing::kPs384Header, ".", testing::kCookbookPayload),
          Base64UrlDecode(testing::kPs384Signature).value()};
}
Vector Es512() {
  return {"Es512", v1::ALGORITHM_ES512, testing::P521Spki(testing::kEs512X, testing::kEs512Y),
          absl::StrCat(testing::kEs512Header, ".", testing::kCookbookPayload),
          Base64UrlDecode(testing::kEs512Signature).value()};
}
Vector EdDsa() {
  return {"EdDsa", v1::ALGORITHM_EDDSA_ED25519, testing::Ed25519Spki(testing::kEd25519X),
          std::string(testing::kEd25519Input), Base64UrlDecode(testing::kEd25519Signature).value()};
}

std::unique_ptr<Verifier> MakeVerifier(const Vector& vector) {
  auto verifier = Verifier::Create(*FindAlgorithm(vector.algorithm), vector.spki);
  EXPECT_TRUE(verifier.ok()) << verifier.status();
  return verifier.ok() ? *std::move(verifier) : nullptr;
}

class VerifierTest : public ::testing::TestWithParam<Vector> {
 protected:
  void SetUp() override {
    verifier_ = MakeVerifier(GetParam());
    ASSERT_NE(verifier_, nullptr);
  }
  std::unique_ptr<Verifier> verifier_;
};

TEST_P(VerifierTest, AcceptsTheRfcsSignatureAgainAndAgain) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(verifier_->Verify(GetParam().input, GetParam().signature));
  }
}

// Each refusal is followed by a good one: an error must not stick to the
// contexts that are kept.
TEST_P(VerifierTest, RefusesEveryChangedSignatureByte) {
  for (size_t i = 0; i < GetParam().signature.size(); ++i) {
    std::string changed = GetParam().signature;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    EXPECT_FALSE(verifier_->Verify(GetParam().input, changed)) << "byte " << i;
  }
  EXPECT_TRUE(verifier_->Verify(GetParam().input, GetParam().signature));
}

TEST_P(VerifierTest, RefusesEveryChangedMessageByte) {
  for (size_t i = 0; i < GetParam().input.size(); ++i) {
    std::string changed = GetParam().input;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(verifier_->Verify(changed, GetParam().signature)) << "byte " << i;
  }
  EXPECT_FALSE(verifier_->Verify("", GetParam().signature));
  EXPECT_FALSE(verifier_->Verify(GetParam().input + ".", GetParam().signature));
  EXPECT_TRUE(verifier_->Verify(GetParam().input, GetParam().signature));
}

TEST_P(VerifierTest, RefusesSignaturesOfAnotherSize) {
  const std::string& good = GetParam().signature;
  EXPECT_FALSE(verifier_->Verify(GetParam().input, ""));
  EXPECT_FALSE(verifier_->Verify(GetParam().input, good.substr(1)));
  EXPECT_FALSE(verifier_->Verify(GetParam().input, good.substr(0, good.size() - 1)));
  EXPECT_FALSE(verifier_->Verify(GetParam().input, good + std::string(1, '\0')));
  EXPECT_FALSE(verifier_->Verify(GetParam().input, std::string(1, '\0') + good));
  EXPECT_FALSE(verifier_->Verify(GetParam().input, good + good));
}

TEST_P(VerifierTest, RefusesZerosAndOnes) {
  const size_t size = GetParam().signature.size();
  EXPECT_FALSE(verifier_->Verify(GetParam().input, std::string(size, '\0')));
  EXPECT_FALSE(verifier_->Verify(GetParam().input, std::string(size, '\xff')));
}

TEST_P(VerifierTest, RefusesAKeyOfAnotherAlgorithm) {
  for (const AlgorithmInfo& other : AllAlgorithms()) {
    const AlgorithmInfo& own = *FindAlgorithm(GetParam().algorithm);
    const bool same_kind = other.key_type == own.key_type && other.crv == own.crv &&
                           other.modulus_bits == own.modulus_bits;
    if (same_kind) continue;
    EXPECT_EQ(Verifier::Create(other, GetParam().spki).status().code(),
              absl::StatusCode::kInvalidArgument)
        << other.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Rfc, VerifierTest,
                         ::testing::Values(Rs256(), Es256(), Ps384(), Es512(), EdDsa()),
                         [](const auto& test) { return std::string(test.param.name); });

// Keys of OpenSSL's own, for the algorithms that have no RFC's vector here.
class EveryVerifierTest : public ::testing::TestWithParam<const AlgorithmInfo*> {
 protected:
  void SetUp() override {
    auto verifier = Verifier::Create(*GetParam(), key_->Spki());
    ASSERT_TRUE(verifier.ok()) << verifier.status();
    verifier_ = *std::move(verifier);
  }
  const std::unique_ptr<fakes::FakeKey> key_ = fakes::FakeKey::Make(*GetParam());
  std::unique_ptr<Verifier> verifier_;
};

// Of the long RSA keys, which take seconds to make, one row a size: they differ in nothing else.
std::vector<const AlgorithmInfo*> RowsToTry() {
  std::vector<const AlgorithmInfo*> rows;
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    if (row.modulus_bits <= 2048 || IsUsual(row)) rows.push_back(&row);
  }
  return rows;
}

TEST_P(EveryVerifierTest, AcceptsWhatTheKeySignedAndNothingElse) {
  const std::string signature = key_->Sign("message");
  EXPECT_TRUE(verifier_->Verify("message", signature));
  EXPECT_FALSE(verifier_->Verify("massage", signature));
  EXPECT_FALSE(verifier_->Verify("message", fakes::FakeKey::Make(*GetParam())->Sign("message")));
}

// One pair, one algorithm: what it signed with another hash or padding is refused.
TEST_P(EveryVerifierTest, RefusesTheSameKeysOtherAlgorithms) {
  for (const AlgorithmInfo& other : AllAlgorithms()) {
    if (&other == GetParam()) continue;
    auto as_other = Verifier::Create(other, key_->Spki());
    if (!as_other.ok()) continue;
    EXPECT_FALSE((*as_other)->Verify("message", key_->Sign("message"))) << other.name;
  }
}

TEST_P(EveryVerifierTest, ADigestStandsForItsMessage) {
  const std::string digest(HashBytes(GetParam()->hash), '\x17');
  if (GetParam()->hash == Hash::kNone) {
    EXPECT_FALSE(verifier_->Verify({std::string(64, 'd'), true}, key_->Sign(std::string(64, 'd'))));
    return;
  }
  const std::string signature = key_->SignDigest(digest);
  EXPECT_TRUE(verifier_->Verify({digest, true}, signature));
  EXPECT_FALSE(verifier_->Verify({std::string(digest.size(), 'x'), true}, signature));
  EXPECT_FALSE(verifier_->Verify({digest, false}, signature));
}

// A salt of another length is verified where it was asked for, and nowhere else: not in the
// verification after it either.
TEST_P(EveryVerifierTest, ASaltIsAsLongAsWasSaid) {
  if (GetParam()->padding != RsaPadding::kPss) {
    EXPECT_FALSE(verifier_->Verify({"message", false, 32}, key_->Sign("message")));
    return;
  }
  const std::string usual = key_->Sign("message");
  for (const size_t salt : {size_t{0}, size_t{20}, HashBytes(GetParam()->hash)}) {
    const std::string signature = key_->Sign("message", salt);
    EXPECT_TRUE(verifier_->Verify({"message", false, salt}, signature)) << salt;
    EXPECT_FALSE(verifier_->Verify({"message", false, 1}, signature)) << salt;
    EXPECT_EQ(verifier_->Verify("message", signature), salt == HashBytes(GetParam()->hash));
    EXPECT_TRUE(verifier_->Verify("message", usual)) << salt;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryVerifierTest, ::testing::ValuesIn(RowsToTry()),
                         [](const auto& test) {
                           std::string name(test.param->name);
                           std::erase(name, '-');
                           return name;
                         });

// RFC 7518 section 3.4 fixes R || S. DER, as OpenSSL and PKCS#11 tools write it,
// is another encoding of the same numbers and would break look-up by bytes.
TEST(VerifierEs256, RefusesTheDerForm) {
  const Vector vector = Es256();
  const std::string der =
      absl::StrCat(std::string("\x30\x45\x02\x20", 4), vector.signature.substr(0, 32),
                   std::string("\x02\x21\x00", 3), vector.signature.substr(32));
  EXPECT_FALSE(MakeVerifier(vector)->Verify(vector.input, der));
}

TEST(VerifierEs256, RefusesSwappedNumbersAndAZeroInEither) {
  const Vector vector = Es256();
  const auto verifier = MakeVerifier(vector);
  const std::string r = vector.signature.substr(0, 32);
  const std::string s = vector.signature.substr(32);
  const std::string zero(32, '\0');
  EXPECT_FALSE(verifier->Verify(vector.input, s + r));
  EXPECT_FALSE(verifier->Verify(vector.input, zero + s));
  EXPECT_FALSE(verifier->Verify(vector.input, r + zero));
}

// A DER INTEGER drops leading zeros, and takes one where the next bit is set;
// one signature in 128 has such an R or S. Made with python3-cryptography and
// the private key d = 2.
TEST(VerifierEs256, AcceptsNumbersWithLeadingZeros) {
  Vector vector = Es256();
  vector.spki = testing::EcSpki("fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg",
                                "B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E");
  const auto verifier = MakeVerifier(vector);
  for (const absl::string_view signature :
       {"AAFRAKfy6_jV8jzpCzfbhtQhgfslO9SuHXb-mW9hTXQ-3TQzv5_L1NFsnPbzV2Er5IaazhzIL2kJNrTrzssr_g",
        "BRdcdRcwH-7_xKc9E0bv07WTHlP52XjJSR5gVdcK3vQA1eyp_gd0t_KAZixTubfHX45JDLM9-5Kdf6sKFlotKQ"}) {
    EXPECT_TRUE(verifier->Verify("leading zeros", Base64UrlDecode(signature).value()));
  }
}

}  // namespace
}  // namespace sealward
