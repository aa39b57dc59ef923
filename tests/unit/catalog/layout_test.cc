#include "server/catalog/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"

namespace sealward::catalog {
namespace {

// The layout is what is on disk: a change of a line here needs a new schema.
TEST(LayoutTest, StoreKeysAreFixed) {
  const struct {
    std::string store_key;
    std::string expected;
    RecordKind kind;
    std::string name;
    int64_t version;
  } rows[] = {
      {TenantRecordKey("tenants/acme"), "catalog/tenants/tenants/acme", RecordKind::kTenant,
       "tenants/acme", 0},
      {IssuerRecordKey("tenants/acme/issuers/main"), "catalog/issuers/tenants/acme/issuers/main",
       RecordKind::kIssuer, "tenants/acme/issuers/main", 0},
      {IssuerUrlRecordKey("https://a.example/x"), "catalog/issuer-urls/https://a.example/x",
       RecordKind::kIssuerUrl, "https://a.example/x", 0},
      {KeyRecordKey("tenants/acme/keys/k"), "catalog/keys/tenants/acme/keys/k", RecordKind::kKey,
       "tenants/acme/keys/k", 0},
      {VersionRecordKey("tenants/acme/keys/k", 12),
       "catalog/versions/tenants/acme/keys/k/0000000012", RecordKind::kVersion,
       "tenants/acme/keys/k", 12},
      {BindingRecordKey("roleBindings/b"), "catalog/bindings/roleBindings/b", RecordKind::kBinding,
       "roleBindings/b", 0},
      {BindingRecordKey("tenants/acme/roleBindings/b"),
       "catalog/bindings/tenants/acme/roleBindings/b", RecordKind::kBinding,
       "tenants/acme/roleBindings/b", 0},
      {BindingRecordKey("tenants/acme/keys/k/roleBindings/b"),
       "catalog/bindings/tenants/acme/keys/k/roleBindings/b", RecordKind::kBinding,
       "tenants/acme/keys/k/roleBindings/b", 0},
      {ApprovalPolicyRecordKey(), "catalog/approval-policy/approvalPolicy",
       RecordKind::kApprovalPolicy, "approvalPolicy", 0},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.store_key, row.expected);
    EXPECT_TRUE(absl::StartsWith(row.store_key, kCatalogPrefix));
    const auto parsed = ParseRecordKey(row.store_key);
    ASSERT_TRUE(parsed) << row.store_key;
    EXPECT_EQ(parsed->kind, row.kind);
    EXPECT_EQ(parsed->name, row.name);
    EXPECT_EQ(parsed->version, row.version);
  }
}

// Listings come in key order: without the zeros version 10 would stand before 2.
TEST(LayoutTest, VersionsSortByNumber) {
  std::vector<std::string> keys;
  for (const int64_t n : {1, 2, 9, 10, 99, 100, 12345}) {
    keys.push_back(VersionRecordKey("tenants/acme/keys/k", n));
  }
  keys.push_back(VersionRecordKey("tenants/acme/keys/k", 9'999'999'999));
  EXPECT_TRUE(std::ranges::is_sorted(keys));
}

// What is not understood must not be taken for something else.
TEST(LayoutTest, RefusesWhatIsNoRecordKey) {
  for (const std::string key :
       {"", "catalog", "catalog/", "catalog/tenants/", "catalog/tenants/acme",
        "catalog/tenants/tenants/Acme", "catalog/unknown/tenants/acme", "tenants/tenants/acme",
        "catalog/issuers/tenants/acme", "catalog/issuer-urls/", "catalog/keys/tenants/acme/keys/",
        "catalog/versions/tenants/acme/keys/k", "catalog/versions/tenants/acme/keys/k/1",
        "catalog/versions/tenants/acme/keys/k/0000000000",
        "catalog/versions/tenants/acme/keys/k/-000000001",
        "catalog/versions/tenants/acme/keys/k/+000000001",
        "catalog/versions/tenants/acme/keys/k/000000001x",
        "catalog/versions/tenants/acme/keys/k/00000000001",
        "catalog/bindings/tenants/acme/bindings/b"}) {
    EXPECT_FALSE(ParseRecordKey(key)) << key;
  }
}

}  // namespace
}  // namespace sealward::catalog
