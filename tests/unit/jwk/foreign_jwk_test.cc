// If these go, a JWK that is no sound public key, or one that libraries read in two
// ways, is published in an issuer's set, where it can make validators refuse all of it.
#include "common/foreign_jwk.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "common/errors.h"
#include "tests/unit/jwk/vectors.h"

namespace sealward {
namespace {

v1::PublicJwk Ec() {
  v1::PublicJwk jwk;
  jwk.set_kty("EC");
  jwk.set_crv("P-256");
  jwk.set_alg("ES256");
  jwk.set_kid("old key 1");
  jwk.set_x(std::string(testing::kEs256X));
  jwk.set_y(std::string(testing::kEs256Y));
  return jwk;
}

v1::PublicJwk Rsa() {
  v1::PublicJwk jwk;
  jwk.set_kty("RSA");
  jwk.set_alg("RS256");
  jwk.set_kid("rsa");
  jwk.set_n(std::string(testing::kRs256N));
  jwk.set_e("AQAB");
  return jwk;
}

v1::PublicJwk Okp() {
  v1::PublicJwk jwk;
  jwk.set_kty("OKP");
  jwk.set_crv("Ed25519");
  jwk.set_alg("EdDSA");
  jwk.set_kid("okp");
  jwk.set_x(std::string(testing::kEd25519X));
  return jwk;
}

TEST(ForeignJwk, KeepsItsKidAndMembers) {
  for (v1::PublicJwk jwk : {Ec(), Rsa(), Okp()}) {
    const auto checked = CheckForeignJwk(jwk);
    ASSERT_TRUE(checked.ok()) << checked.status();
    jwk.set_use("sig");
    EXPECT_EQ(checked->SerializeAsString(), jwk.SerializeAsString());
  }
}

void ExpectRefused(v1::PublicJwk jwk, const std::function<void(v1::PublicJwk&)>& change) {
  change(jwk);
  const auto checked = CheckForeignJwk(jwk);
  EXPECT_EQ(checked.status().code(), absl::StatusCode::kInvalidArgument) << jwk.DebugString();
  EXPECT_EQ(ErrorReason(checked.status()), "JWK_INVALID");
}

TEST(ForeignJwk, RefusesWhatIsNoSoundKey) {
  using Jwk = v1::PublicJwk;
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_x(std::string(testing::kEs256Y)); });  // off the curve
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_x("AAAA"); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.clear_y(); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_x(jwk.x() + "="); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_x("A" + jwk.x()); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_crv("P-384"); });
  ExpectRefused(Rsa(), [](Jwk& jwk) { jwk.set_e("Ag"); });
  ExpectRefused(Rsa(), [](Jwk& jwk) { jwk.set_e("AAEAAQ"); });  // a leading zero
  ExpectRefused(Rsa(), [](Jwk& jwk) { jwk.set_n(jwk.n().substr(0, 100)); });
  ExpectRefused(Rsa(), [](Jwk& jwk) { jwk.set_n(std::string(5000, 'A')); });
  ExpectRefused(Okp(), [](Jwk& jwk) { jwk.set_x("AA"); });
}

TEST(ForeignJwk, RefusesWhatValidatorsWouldMisread) {
  using Jwk = v1::PublicJwk;
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.clear_kid(); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_kid(std::string(kMaxForeignKidBytes + 1, 'k')); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_kid("line\nbreak"); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.clear_alg(); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_alg("none"); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_alg("HS256"); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_use("enc"); });
  ExpectRefused(Ec(), [](Jwk& jwk) { jwk.set_n("AQAB"); });  // of another kty
  ExpectRefused(Rsa(), [](Jwk& jwk) { jwk.set_x("AQAB"); });
}

}  // namespace
}  // namespace sealward
