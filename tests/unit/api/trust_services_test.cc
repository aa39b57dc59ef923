// Trust domains and denied certificates over gRPC. Without these tests somebody
// could add a CA without the right to, an admin could overwrite another's change,
// or a stolen certificate would work on its open connection.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Domains = v1::TrustDomainService;
using Denied = v1::DeniedCertificateService;

class TrustDomainTest : public testing::Test {
 protected:
  grpc::Status Create(const std::string& who, const std::string& id, const std::string& pem,
                      bool validate_only = false) {
    v1::CreateTrustDomainRequest request;
    request.set_trust_domain_id(id);
    request.mutable_trust_domain()->set_ca_bundle_pem(pem);
    request.set_validate_only(validate_only);
    return rig_.Call<Domains>(who, &Domains::Stub::CreateTrustDomain, request, &domain_);
  }
  grpc::Status Update(const std::string& pem, const std::string& etag = "",
                      const std::string& who = kAdmin) {
    v1::UpdateTrustDomainRequest request;
    request.mutable_trust_domain()->set_name("trustDomains/partner.test");
    request.mutable_trust_domain()->set_ca_bundle_pem(pem);
    request.mutable_trust_domain()->set_etag(etag);
    return rig_.Call<Domains>(who, &Domains::Stub::UpdateTrustDomain, request, &domain_);
  }
  grpc::Status Delete(const std::string& name, const std::string& etag = "",
                      const std::string& who = kAdmin) {
    v1::DeleteTrustDomainRequest request;
    request.set_name(name);
    request.set_etag(etag);
    v1::DeleteTrustDomainResponse response;
    return rig_.Call<Domains>(who, &Domains::Stub::DeleteTrustDomain, request, &response);
  }
  grpc::Status Get(const std::string& who, const std::string& name) {
    v1::GetTrustDomainRequest request;
    request.set_name(name);
    return rig_.Call<Domains>(who, &Domains::Stub::GetTrustDomain, request, &domain_);
  }

  ApiRig rig_;
  auth::TestCa partner_{auth::Subject{{"O", "Partner"}, {"CN", "CA"}}};
  v1::TrustDomain domain_;
};

TEST_F(TrustDomainTest, IsCreatedReadChangedAndDeleted) {
  ASSERT_TRUE(Create(kAdmin, "partner.test", "why\n" + partner_.pem()).ok());
  EXPECT_EQ(domain_.name(), "trustDomains/partner.test");
  EXPECT_EQ(domain_.ca_bundle_pem(), partner_.pem());  // and nothing else
  ASSERT_EQ(domain_.certificates_size(), 1);
  EXPECT_EQ(domain_.certificates(0).subject(), "CN=CA,O=Partner");
  EXPECT_EQ(domain_.certificates(0).fingerprint(), auth::FingerprintOf(partner_.pem()));
  EXPECT_GT(domain_.certificates(0).expire_time().seconds(), 0);
  const std::string first = domain_.etag();
  EXPECT_EQ(ReasonOf(Create(kAdmin, "partner.test", partner_.pem())), "ALREADY_EXISTS");

  const auth::TestCa next;
  EXPECT_EQ(ReasonOf(Update(next.pem(), "stale")), "ETAG_MISMATCH");
  ASSERT_TRUE(Update(next.pem(), first).ok());
  EXPECT_NE(domain_.etag(), first);
  EXPECT_EQ(domain_.ca_bundle_pem(), next.pem());
  ASSERT_TRUE(Get(kAdmin, "trustDomains/partner.test").ok());
  EXPECT_EQ(domain_.ca_bundle_pem(), next.pem());

  EXPECT_EQ(ReasonOf(Delete("trustDomains/partner.test", first)), "ETAG_MISMATCH");
  EXPECT_TRUE(Delete("trustDomains/partner.test", domain_.etag()).ok());
  EXPECT_EQ(Get(kAdmin, "trustDomains/partner.test").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Update(next.pem()).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TrustDomainTest, ARehearsalChangesNothing) {
  ASSERT_TRUE(Create(kAdmin, "partner.test", partner_.pem(), true).ok());
  EXPECT_EQ(domain_.name(), "trustDomains/partner.test");
  EXPECT_TRUE(rig_.keys.catalog->Get()->trust_domains.empty());
}

TEST_F(TrustDomainTest, RefusesBadNamesAndBundles) {
  for (const char* id : {"", "Partner.test", "a/b", "..", "a b"}) {
    EXPECT_EQ(ReasonOf(Create(kAdmin, id, partner_.pem())), "NAME_INVALID") << id;
  }
  const auth::TestCa development(auth::Subject{{"O", "Sealward development"}, {"CN", "x"}});
  for (const std::string& pem :
       {std::string(), std::string("junk"), partner_.Issue({{"CN", "x"}}, {}).private_key_pem,
        partner_.Issue({{"CN", "x"}}, {}).certificate_pem, development.pem()}) {
    EXPECT_EQ(ReasonOf(Create(kAdmin, "partner.test", pem)), "CA_BUNDLE_INVALID");
  }
}

TEST_F(TrustDomainTest, OnlyAdminsChangeThem) {
  ASSERT_TRUE(Create(kAdmin, "partner.test", partner_.pem()).ok());
  for (const char* who : {kOperator, kViewer, kTenantOperator, kTenantIssuer, kStranger}) {
    for (const grpc::Status& status :
         {Create(who, "another.test", partner_.pem()), Update(partner_.pem(), "", who),
          Delete("trustDomains/partner.test", "", who), Delete("trustDomains/ghost", "", who),
          Get(who, "trustDomains/partner.test"), Get(who, "trustDomains/ghost")}) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << who;
    }
  }
}

TEST_F(TrustDomainTest, TheyAreListedInPagesAndBounded) {
  for (size_t i = 0; i < kMaxTrustDomains; ++i) {
    ASSERT_TRUE(Create(kAdmin, absl::StrCat("d", i), partner_.pem()).ok());
  }
  EXPECT_EQ(ReasonOf(Create(kAdmin, "onemore", partner_.pem())), "TOO_MANY");
  v1::ListTrustDomainsRequest request;
  request.set_page_size(40);
  v1::ListTrustDomainsResponse page;
  size_t seen = 0;
  do {
    page.Clear();
    ASSERT_TRUE(rig_.Call<Domains>(kAdmin, &Domains::Stub::ListTrustDomains, request, &page).ok());
    seen += static_cast<size_t>(page.trust_domains_size());
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty());
  EXPECT_EQ(seen, kMaxTrustDomains);
}

TEST_F(TrustDomainTest, ANewCaWaitsForASecondPersonWhereThePolicyAsksForOne) {
  rig_.keys.AddBinding("roleBindings/second", "", PrincipalOf("second"), v1::ROLE_ADMIN);
  v1::UpdateApprovalPolicyRequest policy;
  policy.mutable_approval_policy()->set_two_persons(true);
  v1::ApprovalPolicy answer;
  ASSERT_TRUE(rig_.Call<v1::ApprovalService>(
                      kAdmin, &v1::ApprovalService::Stub::UpdateApprovalPolicy, policy, &answer)
                  .ok());
  EXPECT_TRUE(Create(kAdmin, "partner.test", partner_.pem(), true).ok());  // a rehearsal does not
  EXPECT_EQ(ReasonOf(Create(kAdmin, "partner.test", partner_.pem())), "APPROVAL_REQUIRED");
  EXPECT_TRUE(rig_.keys.catalog->Get()->trust_domains.empty());
}

class DeniedCertificateTest : public testing::Test {
 protected:
  grpc::Status Deny(const std::string& who, const std::string& fingerprint,
                    const std::string& reason = "lost", bool validate_only = false) {
    v1::CreateDeniedCertificateRequest request;
    request.set_denied_certificate_id(fingerprint);
    request.mutable_denied_certificate()->set_reason(reason);
    request.set_validate_only(validate_only);
    return rig_.Call<Denied>(who, &Denied::Stub::CreateDeniedCertificate, request, &denied_);
  }
  grpc::Status Readmit(const std::string& who, const std::string& name,
                       const std::string& etag = "") {
    v1::DeleteDeniedCertificateRequest request;
    request.set_name(name);
    request.set_etag(etag);
    v1::DeleteDeniedCertificateResponse response;
    return rig_.Call<Denied>(who, &Denied::Stub::DeleteDeniedCertificate, request, &response);
  }
  grpc::Status Get(const std::string& who, const std::string& name) {
    v1::GetDeniedCertificateRequest request;
    request.set_name(name);
    return rig_.Call<Denied>(who, &Denied::Stub::GetDeniedCertificate, request, &denied_);
  }
  grpc::Status ListTenants(const std::string& who) {
    v1::ListTenantsResponse response;
    return rig_.Call<v1::TenantService>(who, &v1::TenantService::Stub::ListTenants,
                                        v1::ListTenantsRequest(), &response);
  }

  ApiRig rig_;
  v1::DeniedCertificate denied_;
};

TEST_F(DeniedCertificateTest, ACertificateIsOutOnItsOpenConnectionAndInAgain) {
  ASSERT_TRUE(ListTenants(kViewer).ok());
  const std::string digits = rig_.FingerprintOf(kViewer);
  ASSERT_TRUE(Deny(kOperator, digits).ok());
  EXPECT_EQ(denied_.name(), "deniedCertificates/" + digits);
  EXPECT_EQ(denied_.denier(), PrincipalOf(kOperator));
  EXPECT_EQ(denied_.reason(), "lost");
  const grpc::Status out = ListTenants(kViewer);
  EXPECT_EQ(out.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(out), "CERTIFICATE_DENIED");
  EXPECT_EQ(ReasonOf(Deny(kAdmin, digits)), "ALREADY_EXISTS");
  EXPECT_EQ(Readmit(kOperator, denied_.name()).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(Readmit(kAdmin, denied_.name(), "stale")), "ETAG_MISMATCH");
  ASSERT_TRUE(Get(kOperator, "deniedCertificates/" + digits).ok());
  EXPECT_TRUE(Readmit(kAdmin, denied_.name(), denied_.etag()).ok());
  EXPECT_TRUE(ListTenants(kViewer).ok());
  EXPECT_EQ(Get(kAdmin, denied_.name()).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(DeniedCertificateTest, AFingerprintMayBeWrittenAsOpensslPrintsIt) {
  const std::string digits = rig_.FingerprintOf(kStranger);
  std::string printed;
  for (size_t i = 0; i < digits.size(); i += 2) {
    absl::StrAppend(&printed, i == 0 ? "" : ":", absl::AsciiStrToUpper(digits.substr(i, 2)));
  }
  ASSERT_TRUE(Deny(kAdmin, printed, "", true).ok());
  EXPECT_TRUE(rig_.keys.catalog->Get()->denied_certificates.empty());  // a rehearsal
  ASSERT_TRUE(Deny(kAdmin, printed).ok());
  EXPECT_EQ(denied_.name(), "deniedCertificates/" + digits);
  for (const std::string& bad : {std::string(), digits.substr(1), digits + "0", "x" + digits}) {
    EXPECT_EQ(ReasonOf(Deny(kAdmin, bad)), "NAME_INVALID") << bad;
  }
  EXPECT_EQ(ReasonOf(Deny(kAdmin, std::string(64, 'a'), std::string(257, 'x'))), "REASON_INVALID");
}

TEST_F(DeniedCertificateTest, NobodyShutsThemselvesOut) {
  EXPECT_EQ(ReasonOf(Deny(kAdmin, rig_.FingerprintOf(kAdmin))), "OWN_CERTIFICATE");
  EXPECT_TRUE(ListTenants(kAdmin).ok());
}

TEST_F(DeniedCertificateTest, TakesARoleOnTheService) {
  const std::string digits = rig_.FingerprintOf(kAdmin);
  for (const char* who : {kViewer, kTenantOperator, kTenantIssuer, kStranger}) {
    for (const grpc::Status& status : {Deny(who, digits), Get(who, "deniedCertificates/" + digits),
                                       Readmit(who, "deniedCertificates/" + digits)}) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << who;
    }
  }
}

}  // namespace
}  // namespace sealward::api
