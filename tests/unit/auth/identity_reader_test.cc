// Whom the server believes. If these break, one trust domain's CA makes up
// members of another, or a stolen, expired or denied certificate still works.
#include "server/auth/identity_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/auth/test_certificates.h"

namespace sealward::auth {
namespace {

TrustBundle Bundle(const std::string& domain, const std::string& pem) {
  return {domain, *ParseBundle(pem, {})};
}

class IdentityReaderTest : public testing::Test {
 protected:
  IdentityReaderTest() {
    reader_ = std::make_unique<IdentityReader>(
        IdentityReader::Options{
            [this] { return snapshot_; },
            &clock_,
            {},
            [this](const catalog::TrustDomain& d, const absl::Status&) { unusable_ = d.name; }},
        std::vector<TrustBundle>{Bundle("one.test", one_.pem()),
                                 Bundle(std::string(kSubjects), one_.pem())});
  }

  // A next revision of the catalog.
  void Change(const std::function<void(catalog::Snapshot&)>& change) {
    auto next = std::make_shared<catalog::Snapshot>(*snapshot_);
    ++next->revision;
    change(*next);
    snapshot_ = std::move(next);
  }

  void SetDomain(const std::string& id, const std::string& pem) {
    Change([&](catalog::Snapshot& next) {
      catalog::TrustDomain domain;
      domain.name = "trustDomains/" + id;
      domain.ca_bundle_pem = pem;
      domain.mod_revision = next.revision;
      next.trust_domains[domain.name] = std::make_shared<const catalog::TrustDomain>(domain);
    });
  }

  // The principal, or the reason why not.
  std::string Who(const IssuedCertificate& certificate, const std::string& chain = "") {
    const auto identity = reader_->Check(certificate.certificate_pem, chain);
    return identity.ok() ? (*identity)->principal : ErrorReason(identity.status());
  }

  static IssuedCertificate Leaf(TestCa& ca, const std::string& uri,
                                const CertificateShape& shape = {}) {
    return ca.Issue({{"CN", "x"}}, {"URI:" + uri}, shape);
  }

  static constexpr char kUntrusted[] = "CERTIFICATE_UNTRUSTED";
  TestCa one_;
  TestCa two_{Subject{{"CN", "Two"}}};
  fakes::ManualClock clock_{absl::Now()};
  std::shared_ptr<const catalog::Snapshot> snapshot_ = std::make_shared<catalog::Snapshot>();
  std::string unusable_;
  std::unique_ptr<IdentityReader> reader_;
};

TEST_F(IdentityReaderTest, ADomainsOwnCaVouchesForItsMembersOnly) {
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a")), "spiffe://one.test/a");
  EXPECT_EQ(Who(Leaf(two_, "spiffe://one.test/a")), kUntrusted);  // wrong CA
  EXPECT_EQ(Who(Leaf(one_, "spiffe://two.test/a")), kUntrusted);  // a domain nobody knows
  SetDomain("two.test", two_.pem());
  EXPECT_EQ(Who(Leaf(two_, "spiffe://two.test/a")), "spiffe://two.test/a");
  EXPECT_EQ(Who(Leaf(one_, "spiffe://two.test/a")), kUntrusted);  // right CA, wrong domain
  EXPECT_EQ(Who(Leaf(two_, "spiffe://one.test/a")), kUntrusted);
}

TEST_F(IdentityReaderTest, OnlyTheConfiguredCaVouchesForSubjects) {
  SetDomain("two.test", two_.pem());
  EXPECT_EQ(Who(one_.Issue({{"CN", "alice"}}, {})), "subject:CN=alice");
  EXPECT_EQ(Who(two_.Issue({{"CN", "alice"}}, {})), kUntrusted);
  // A client_ca without trust domain vouches for no SPIFFE ID.
  reader_->SetConfigured({Bundle(std::string(kSubjects), one_.pem())});
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a")), kUntrusted);
  EXPECT_EQ(Who(one_.Issue({{"CN", "alice"}}, {})), "subject:CN=alice");
}

TEST_F(IdentityReaderTest, AnIdentitySaysWhatItStandsOn) {
  const IssuedCertificate leaf = Leaf(one_, "spiffe://one.test/a", {-60, 600, {}});
  const auto identity = reader_->Check(leaf.certificate_pem, "");
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ((*identity)->trust_domain, "one.test");
  EXPECT_EQ((*identity)->fingerprint, FingerprintOf(leaf.certificate_pem));
  EXPECT_LE((*identity)->valid_until, clock_.Now() + absl::Seconds(601));
  EXPECT_GE((*identity)->valid_until, clock_.Now() + absl::Seconds(590));
}

TEST_F(IdentityReaderTest, DatesAreThoseOfTheInjectedClock) {
  const IssuedCertificate leaf = Leaf(one_, "spiffe://one.test/a", {600, 1200, {}});
  EXPECT_EQ(Who(leaf), kUntrusted);  // not yet valid
  clock_.Advance(absl::Seconds(700));
  EXPECT_EQ(Who(leaf), "spiffe://one.test/a");
  clock_.Advance(absl::Seconds(700));  // it is remembered, and expired all the same
  EXPECT_EQ(Who(leaf), kUntrusted);
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/b", {600, 1200, {}})), kUntrusted);  // expired
}

TEST_F(IdentityReaderTest, AnExpiredCaVouchesForNobody) {
  const IssuedCertificate leaf = Leaf(one_, "spiffe://one.test/a", {-60, 36000, {}});
  EXPECT_EQ(Who(leaf), "spiffe://one.test/a");
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Who(leaf), kUntrusted);
}

TEST_F(IdentityReaderTest, AChainEndsInTheDomainsCa) {
  TestCa below(one_, Subject{{"CN", "Below"}});
  const IssuedCertificate leaf = Leaf(below, "spiffe://one.test/a");
  EXPECT_EQ(Who(leaf), kUntrusted);
  EXPECT_EQ(Who(leaf, two_.pem()), kUntrusted);
  EXPECT_EQ(Who(leaf, below.pem()), "spiffe://one.test/a");
  // An intermediate in a bundle is trusted by itself.
  SetDomain("below.test", below.pem());
  EXPECT_EQ(Who(Leaf(below, "spiffe://below.test/a")), "spiffe://below.test/a");
  EXPECT_EQ(Who(Leaf(one_, "spiffe://below.test/a")), kUntrusted);
}

TEST_F(IdentityReaderTest, RefusesWhatIsNoClientsLeaf) {
  CertificateShape server;
  server.extensions.emplace_back(NID_ext_key_usage, "serverAuth");
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a", server)), kUntrusted);
  CertificateShape client;
  client.extensions.emplace_back(NID_ext_key_usage, "clientAuth");
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a", client)), "spiffe://one.test/a");
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a", TestCa::CaShape())), kUntrusted);
}

TEST_F(IdentityReaderTest, RefusesUnreadableNames) {
  EXPECT_EQ(Who(one_.Issue({{"CN", "x"}}, {"URI:spiffe://one.test/a", "URI:spiffe://one.test/b"})),
            "PRINCIPAL_INVALID");
  EXPECT_EQ(Who(one_.Issue({}, {})), "PRINCIPAL_INVALID");
  EXPECT_EQ(Who({"", ""}), "PRINCIPAL_INVALID");
}

TEST_F(IdentityReaderTest, ADeniedCertificateIsOutAtOnceAndInAgain) {
  const IssuedCertificate leaf = Leaf(one_, "spiffe://one.test/a");
  const IssuedCertificate other = Leaf(one_, "spiffe://one.test/a");
  EXPECT_EQ(Who(leaf), "spiffe://one.test/a");
  const std::string name = "deniedCertificates/" + FingerprintOf(leaf.certificate_pem);
  Change([&](catalog::Snapshot& next) {
    next.denied_certificates[name] = std::make_shared<const catalog::DeniedCertificate>();
  });
  EXPECT_EQ(Who(leaf), "CERTIFICATE_DENIED");
  EXPECT_EQ(Who(other), "spiffe://one.test/a");  // the same principal, another certificate
  Change([&](catalog::Snapshot& next) { next.denied_certificates.clear(); });
  EXPECT_EQ(Who(leaf), "spiffe://one.test/a");
}

TEST_F(IdentityReaderTest, BundlesTakeEffectWithTheNextCall) {
  const IssuedCertificate old_leaf = Leaf(two_, "spiffe://two.test/a");
  SetDomain("two.test", two_.pem());
  EXPECT_EQ(Who(old_leaf), "spiffe://two.test/a");
  EXPECT_TRUE(absl::StrContains(reader_->Anchors()->pem(), two_.pem()));
  TestCa next(Subject{{"CN", "Next"}});
  SetDomain("two.test", next.pem());  // replaced: what is remembered counts no more
  EXPECT_EQ(Who(old_leaf), kUntrusted);
  EXPECT_EQ(Who(Leaf(next, "spiffe://two.test/a")), "spiffe://two.test/a");
  Change([](catalog::Snapshot& s) { s.trust_domains.clear(); });
  EXPECT_EQ(Who(Leaf(next, "spiffe://two.test/a")), kUntrusted);
  EXPECT_FALSE(absl::StrContains(reader_->Anchors()->pem(), next.pem()));
  // And those of the configuration.
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a")), "spiffe://one.test/a");
  reader_->SetConfigured({Bundle("one.test", two_.pem())});
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a")), kUntrusted);
}

TEST_F(IdentityReaderTest, BundlesOfOneDomainAddUp) {
  SetDomain("one.test", two_.pem());
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a")), "spiffe://one.test/a");
  EXPECT_EQ(Who(Leaf(two_, "spiffe://one.test/a")), "spiffe://one.test/a");
}

TEST_F(IdentityReaderTest, AnUnusableBundleOfTheCatalogVouchesForNobody) {
  TestCa development(Subject{{"O", "Sealward development"}, {"CN", "x"}});
  SetDomain("two.test", development.pem());
  EXPECT_EQ(Who(Leaf(development, "spiffe://two.test/a")), kUntrusted);
  EXPECT_EQ(unusable_, "trustDomains/two.test");
  EXPECT_EQ(Who(Leaf(one_, "spiffe://one.test/a")), "spiffe://one.test/a");
}

TEST_F(IdentityReaderTest, RemembersBoundedly) {
  for (size_t i = 0; i < kMaxCachedCertificates + 2; ++i) {
    ASSERT_EQ(Who(Leaf(one_, absl::StrCat("spiffe://one.test/", i))),
              absl::StrCat("spiffe://one.test/", i));
  }
}

}  // namespace
}  // namespace sealward::auth
