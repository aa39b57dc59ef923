#include "common/resource_name.h"

#include <gmock/gmock.h>

#include "absl/strings/match.h"
#include "common/errors.h"

namespace sealward {
namespace {

using testing::HasSubstr;

TEST(ResourceIdTest, Rule) {
  for (const std::string& id : {std::string("a"), std::string("a1"), std::string("a-b"),
                                std::string("a--b"), std::string(63, 'x')}) {
    EXPECT_TRUE(IsValidResourceId(id)) << id;
  }
  for (const std::string& id :
       {std::string(), std::string("1a"), std::string("-a"), std::string("a-"), std::string("A"),
        std::string("a_b"), std::string("a.b"), std::string("a/b"), std::string("a b"),
        std::string("\xc3\xa9"), std::string("a\0", 2), std::string(64, 'x')}) {
    EXPECT_FALSE(IsValidResourceId(id)) << id;
  }
}

TEST(ResourceNameTest, ParseUndoesToString) {
  const TenantName tenant{"acme"};
  EXPECT_EQ(tenant.ToString(), "tenants/acme");
  EXPECT_EQ(*TenantName::Parse(tenant.ToString()), tenant);

  const IssuerName issuer{"acme", "main"};
  EXPECT_EQ(issuer.ToString(), "tenants/acme/issuers/main");
  EXPECT_EQ(issuer.Parent(), "tenants/acme");
  EXPECT_EQ(*IssuerName::Parse(issuer.ToString()), issuer);

  const KeyName key{"acme", "login"};
  EXPECT_EQ(key.ToString(), "tenants/acme/keys/login");
  EXPECT_EQ(key.Parent(), "tenants/acme");
  EXPECT_EQ(*KeyName::Parse(key.ToString()), key);

  const KeyVersionName version{key, 12};
  EXPECT_EQ(version.ToString(), "tenants/acme/keys/login/versions/12");
  EXPECT_EQ(*KeyVersionName::Parse(version.ToString()), version);

  const RoleBindingName of_tenant{"acme", "", "ops"};
  EXPECT_EQ(of_tenant.ToString(), "tenants/acme/roleBindings/ops");
  EXPECT_EQ(of_tenant.Parent(), "tenants/acme");
  EXPECT_EQ(*RoleBindingName::Parse(of_tenant.ToString()), of_tenant);

  const RoleBindingName of_key{"acme", "login", "ops"};
  EXPECT_EQ(of_key.ToString(), "tenants/acme/keys/login/roleBindings/ops");
  EXPECT_EQ(of_key.Parent(), "tenants/acme/keys/login");
  EXPECT_EQ(of_key.Tenant(), "tenants/acme");
  EXPECT_EQ(*RoleBindingName::Parse(of_key.ToString()), of_key);

  const RoleBindingName of_service{"", "", "ops"};
  EXPECT_EQ(of_service.ToString(), "roleBindings/ops");
  EXPECT_EQ(of_service.Parent(), "");
  EXPECT_EQ(*RoleBindingName::Parse(of_service.ToString()), of_service);

  for (const std::string& domain :
       {std::string("example.org"), std::string("a_b-c.d"), std::string(255, 'd')}) {
    const TrustDomainName name{domain};
    EXPECT_EQ(name.ToString(), "trustDomains/" + domain);
    EXPECT_EQ(*TrustDomainName::Parse(name.ToString()), name);
  }
  const DeniedCertificateName denied{std::string(60, 'a') + "0189"};
  EXPECT_EQ(denied.ToString(), "deniedCertificates/" + denied.fingerprint);
  EXPECT_EQ(*DeniedCertificateName::Parse(denied.ToString()), denied);
  const ApprovalName approval{"a-1"};
  EXPECT_EQ(approval.ToString(), "approvals/a-1");
  EXPECT_EQ(*ApprovalName::Parse(approval.ToString()), approval);
}

// One certificate, one trust domain, one approval have one name each.
TEST(ResourceNameTest, RefusesOtherSpellingsOfAccessNames) {
  for (const std::string& name :
       {std::string("trustDomains/"), std::string("trustDomains/."), std::string("trustDomains/.."),
        std::string("trustDomains/Example.org"), std::string("trustDomains/a/b"),
        "trustDomains/" + std::string(256, 'd'), std::string("trustDomains/a b"),
        std::string("trustDomains/a%2eb"), std::string("trustdomains/a"), std::string("a")}) {
    EXPECT_EQ(ErrorReason(TrustDomainName::Parse(name).status()), "NAME_INVALID") << name;
  }
  const std::string digits(63, 'a');
  for (const std::string& name :
       {"deniedCertificates/" + digits, "deniedCertificates/" + digits + "aa",
        "deniedCertificates/" + digits + "A", "deniedCertificates/" + digits + "g",
        "deniedCertificates/" + digits + ":", digits + "a", "denied/" + digits + "a"}) {
    EXPECT_EQ(ErrorReason(DeniedCertificateName::Parse(name).status()), "NAME_INVALID") << name;
  }
  for (const std::string name : {"approvals", "approvals/", "approvals/1", "approvals/A",
                                 "approvals/a/b", "approval/a", "tenants/a/approvals/b"}) {
    EXPECT_FALSE(ApprovalName::Parse(name).ok()) << name;
  }
  for (const std::string name :
       {"tenants/a/keys/b/roleBindings", "tenants/a/keys/b/roleBindings/",
        "tenants/a/keys//roleBindings/c", "keys/b/roleBindings/c",
        "tenants/a/keys/b/roleBindings/c/d", "tenants/a/issuers/b/roleBindings/c",
        "tenants/a/keys/b/versions/1/roleBindings/c"}) {
    EXPECT_FALSE(RoleBindingName::Parse(name).ok()) << name;
  }
}

// A name that reads two ways would let one tenant's request reach another's key.
TEST(ResourceNameTest, RefusesWhatIsNoName) {
  for (const std::string name : {"",
                                 "/",
                                 "tenants",
                                 "tenants/",
                                 "tenants//",
                                 "/tenants/acme",
                                 "tenants/acme/",
                                 "tenants/Acme",
                                 "tenant/acme",
                                 "tenants/acme/keys",
                                 "tenants/acme/keys/",
                                 "tenants/acme/keys/login/",
                                 "tenants/acme/keys/../keys/x",
                                 "tenants/acme/keys/a/b",
                                 "tenants/acme//keys/x",
                                 "tenants/acme/keys/a%2fb",
                                 "tenants/a/keys/b/keys/c",
                                 "tenants/-/keys/x",
                                 "tenants/*/keys/x",
                                 "tenants/acme\n"}) {
    EXPECT_FALSE(KeyName::Parse(name).ok()) << name;
    EXPECT_FALSE(TenantName::Parse(name).ok()) << name;
    EXPECT_FALSE(IssuerName::Parse(name).ok()) << name;
    EXPECT_FALSE(KeyVersionName::Parse(name).ok()) << name;
    EXPECT_FALSE(RoleBindingName::Parse(name).ok()) << name;
  }
}

// One version has one name.
TEST(ResourceNameTest, VersionsAreCanonicalNumbers) {
  const std::string prefix = "tenants/acme/keys/login/versions/";
  for (const std::string number : {"", "0", "-1", "+1", "01", " 1", "1 ", "1x", "0x1", "1.0",
                                   "9223372036854775808", "1/versions/1"}) {
    EXPECT_FALSE(KeyVersionName::Parse(prefix + number).ok()) << number;
  }
  EXPECT_EQ(KeyVersionName::Parse(prefix + "9223372036854775807")->version, INT64_MAX);
}

TEST(ResourceNameTest, ErrorShowsTheRightFormAndQuotesLittle) {
  const absl::Status status = KeyName::Parse("keys\n/" + std::string(10'000, 'x')).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(status), "NAME_INVALID");
  EXPECT_THAT(std::string(status.message()), HasSubstr("tenants/{tenant}/keys/{key}"));
  EXPECT_LT(status.message().size(), 300U);
  EXPECT_FALSE(absl::StrContains(status.message(), "\n"));
}

}  // namespace
}  // namespace sealward
