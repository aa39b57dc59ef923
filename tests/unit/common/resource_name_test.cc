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

  const RoleBindingName of_service{"", "", "ops"};
  EXPECT_EQ(of_service.ToString(), "roleBindings/ops");
  EXPECT_EQ(of_service.Parent(), "");
  EXPECT_EQ(*RoleBindingName::Parse(of_service.ToString()), of_service);
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
