#include "hsm/spki.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/jwk.h"

namespace sealward::hsm {
namespace {

const Mechanism& Row(::sealward::v1::Algorithm algorithm) { return *FindMechanism(algorithm); }

// RFC 8037 appendix A.2: the key whose thumbprint appendix A.3 gives. If this
// goes, kids of Ed25519 keys are wrong everywhere.
TEST(SpkiTest, Ed25519OfRfc8037) {
  const std::string point = *Base64UrlDecode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  const Mechanism& mechanism = Row(::sealward::v1::ALGORITHM_EDDSA_ED25519);
  const auto raw = EcSpki(mechanism, point);
  ASSERT_TRUE(raw.ok());
  const auto wrapped = EcSpki(mechanism, absl::StrCat("\x04\x20", point));
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ(*raw, *wrapped);  // modules differ in this
  EXPECT_EQ(absl::BytesToHexString(raw->substr(0, 12)), "302a300506032b6570032100");
  EXPECT_EQ(JwkFromSpki(*mechanism.algorithm, *raw)->kid(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

// RFC 7638 section 3.1.
TEST(SpkiTest, RsaOfRfc7638) {
  const std::string n = *Base64UrlDecode(
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
      "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
      "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
      "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw");
  const std::string e = *Base64UrlDecode("AQAB");
  const auto spki = RsaSpki(n, e);
  ASSERT_TRUE(spki.ok());
  const auto jwk = JwkFromSpki(*Row(::sealward::v1::ALGORITHM_RS256_2048).algorithm, *spki);
  ASSERT_TRUE(jwk.ok()) << jwk.status();
  EXPECT_EQ(jwk->kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  // A module may pad: the key is the same.
  EXPECT_EQ(*RsaSpki(absl::StrCat(absl::string_view("\0\0", 2), n), e), *spki);
  EXPECT_FALSE(RsaSpki("", e).ok());
  EXPECT_FALSE(RsaSpki(n, "").ok());
}

TEST(SpkiTest, RefusesWhatIsNoPoint) {
  const Mechanism& p256 = Row(::sealward::v1::ALGORITHM_ES256);
  const Mechanism& ed25519 = Row(::sealward::v1::ALGORITHM_EDDSA_ED25519);
  for (const std::string& point :
       {std::string(), std::string(64, '\x04'), std::string(66, '\x04'),
        absl::StrCat("\x02", std::string(64, 'x')), absl::StrCat("\x04\x41", std::string(64, 'x')),
        absl::StrCat("\x05\x41", std::string(65, '\x04'))}) {
    EXPECT_FALSE(EcSpki(p256, point).ok()) << absl::BytesToHexString(point);
  }
  EXPECT_FALSE(EcSpki(ed25519, std::string(31, 'x')).ok());
  EXPECT_FALSE(EcSpki(ed25519, absl::StrCat("\x04\x21", std::string(32, 'x'))).ok());
}

// Both tables list the same algorithms: one that is missing here could be asked
// for and never made.
TEST(MechanismsTest, CoverEveryAlgorithm) {
  ASSERT_EQ(AllMechanisms().size(), AllAlgorithms().size());
  for (size_t i = 0; i < AllAlgorithms().size(); ++i) {
    EXPECT_EQ(AllMechanisms()[i].algorithm, &AllAlgorithms()[i]);
    const Mechanism& row = AllMechanisms()[i];
    const auto bits = static_cast<CK_ULONG>(row.algorithm->modulus_bits);
    EXPECT_EQ(MatchMechanism(row.key_type, row.ec_params, bits, row.algorithm->jose_alg), &row);
    // A label that names none means the usual one.
    EXPECT_EQ(MatchMechanism(row.key_type, row.ec_params, bits) == &row, IsUsual(*row.algorithm));
  }
  EXPECT_EQ(MatchMechanism(CKK_RSA, "", 2048, "ES256"), nullptr);
  EXPECT_EQ(MatchMechanism(CKK_RSA, "", 1024), nullptr);
  EXPECT_EQ(MatchMechanism(CKK_EC, absl::string_view("\x06\x05\x2b\x81\x04\x00\x0a", 7), 0),
            nullptr);  // secp256k1
  EXPECT_EQ(FindMechanism(::sealward::v1::ALGORITHM_UNSPECIFIED), nullptr);
}

}  // namespace
}  // namespace sealward::hsm
