// What may vouch for anybody. If these break, a leaf, a leaked private key or a
// developer's CA gets into a bundle, and whoever holds its key comes in.
#include "server/auth/trust_bundle.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "tests/unit/auth/test_certificates.h"

namespace sealward::auth {
namespace {

void ExpectInvalid(const std::string& pem, const std::string& says, BundleRules rules = {}) {
  const auto bundle = ParseBundle(pem, rules);
  EXPECT_EQ(bundle.status().code(), absl::StatusCode::kInvalidArgument) << says;
  EXPECT_EQ(ErrorReason(bundle.status()), "CA_BUNDLE_INVALID");
  EXPECT_TRUE(absl::StrContains(bundle.status().message(), says)) << bundle.status();
}

TEST(ParseBundle, TakesCaCertificatesInTheirOrder) {
  const TestCa one(Subject{{"CN", "One"}, {"O", "Org"}});
  const TestCa two(Subject{{"CN", "Two"}});
  const auto bundle = ParseBundle(absl::StrCat("# why we trust it\n", one.pem(), two.pem()), {});
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  ASSERT_EQ(bundle->size(), 2U);
  EXPECT_EQ((*bundle)[0].subject, "O=Org,CN=One");
  EXPECT_EQ((*bundle)[1].subject, "CN=Two");
  EXPECT_EQ((*bundle)[0].fingerprint.size(), 64U);
  EXPECT_NE((*bundle)[0].fingerprint, (*bundle)[1].fingerprint);
  EXPECT_EQ((*bundle)[0].expire_time - (*bundle)[0].start_time, absl::Hours(2));
  // Only the certificates stay.
  EXPECT_EQ(ToPem(*bundle), one.pem() + two.pem());
}

TEST(ParseBundle, AnExpiredCaMayStandInIt) {
  CertificateShape expired = TestCa::CaShape();
  expired.end_s = -60;
  EXPECT_TRUE(ParseBundle(TestCa(Subject{{"CN", "Old"}}, expired).pem(), {}).ok());
}

TEST(ParseBundle, RefusesWhatIsNoCa) {
  TestCa ca;
  const IssuedCertificate leaf = ca.Issue({{"CN", "x"}}, {"URI:spiffe://t/a"});
  ExpectInvalid(ca.pem() + leaf.certificate_pem, "certificate 2");
  CertificateShape no_signing = TestCa::CaShape();
  no_signing.extensions.emplace_back(NID_key_usage, "critical,digitalSignature");
  ExpectInvalid(TestCa(Subject{{"CN", "x"}}, no_signing).pem(), "not one of a CA");
  ExpectInvalid(TestCa(Subject{{"CN", "x"}}, {}).pem(), "not one of a CA");  // no basicConstraints
  ExpectInvalid("", "no certificate");
  ExpectInvalid("hello", "no certificate");
}

TEST(ParseBundle, RefusesAPrivateKeyWithoutEchoingIt) {
  TestCa ca;
  const std::string key = ca.Issue({{"CN", "x"}}, {}).private_key_pem;
  for (const std::string& pem : {key, key + ca.pem(), ca.pem() + key}) {
    ExpectInvalid(pem, "holds a private key");
    const std::string message(ParseBundle(pem, {}).status().message());
    EXPECT_FALSE(absl::StrContains(message, key.substr(40, 16)));
  }
}

TEST(ParseBundle, RefusesMalformedBlocks) {
  const std::string pem = TestCa().pem();
  ExpectInvalid(pem + pem.substr(0, pem.size() / 2), "cut off");
  ExpectInvalid("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read");
  ExpectInvalid("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no certificate");
}

TEST(ParseBundle, RefusesMoreThanItsLimits) {
  const TestCa ca;
  ExpectInvalid(ca.pem() + ca.pem(), "twice");
  std::string many;
  for (size_t i = 0; i < kMaxBundleCertificates; ++i) many += TestCa().pem();
  EXPECT_TRUE(ParseBundle(many, {}).ok());
  ExpectInvalid(many + TestCa().pem(), "more than 32");
  ExpectInvalid(ca.pem() + std::string(kMaxBundleBytes, '\n'), "larger than");
}

TEST(ParseBundle, RefusesADevelopmentCaOutsideDevelopment) {
  const TestCa ca(Subject{{"O", "Sealward development"}, {"CN", "Sealward development CA"}});
  ExpectInvalid(TestCa().pem() + ca.pem(), "development CA");
  EXPECT_TRUE(ParseBundle(ca.pem(), {.allow_development = true}).ok());
}

}  // namespace
}  // namespace sealward::auth
