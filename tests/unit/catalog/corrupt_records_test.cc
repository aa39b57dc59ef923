// A store whose records do not fit together must not be served.
#include <gmock/gmock.h>

#include "common/errors.h"
#include "server/catalog/layout.h"
#include "server/catalog/records.h"
#include "tests/unit/catalog/catalog_fixture.h"

namespace sealward::catalog {
namespace {

using testing::HasSubstr;

class CorruptRecordsTest : public CatalogTest {
 protected:
  void SetUp() override {
    AddTenant();
    AddIssuer();
    AddKey();
  }
  // A load must fail and name `store_key`; so must following, and keep what was there.
  void ExpectDataLoss(const std::string& store_key) {
    const auto before = Now();
    for (const absl::Status& status : {Load().status(), catalog().CatchUp()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
      EXPECT_EQ(ErrorReason(status), "RECORD_CORRUPT");
      EXPECT_THAT(std::string(status.message()), HasSubstr(store_key));
    }
    EXPECT_EQ(Now(), before);
  }
};

TEST_F(CorruptRecordsTest, BytesThatAreNoRecord) {
  for (const std::string& store_key :
       {TenantRecordKey("tenants/acme"), KeyRecordKey("tenants/acme/keys/k"),
        VersionRecordKey("tenants/acme/keys/k", 1)}) {
    const std::string good = (**store().Get(store_key)).value;
    WriteRaw(store_key, "\xff\xff");
    ExpectDataLoss(store_key);
    WriteRaw(store_key, good);
    EXPECT_TRUE(catalog().CatchUp().ok());
  }
}

TEST_F(CorruptRecordsTest, UnknownStoreKey) {
  WriteRaw("catalog/novelties/x", "");
  ExpectDataLoss("catalog/novelties/x");
}

// Other rooms keep things of their own in the store.
TEST_F(CorruptRecordsTest, OtherPrefixesAreNotTheCatalogs) {
  WriteRaw("log/checkpoint", "\xff");
  EXPECT_TRUE(Load().ok());
  EXPECT_TRUE(catalog().CatchUp().ok());
  EXPECT_EQ(Now()->revision, *store().Revision());
}

TEST_F(CorruptRecordsTest, ReferencesToWhatIsNotThere) {
  const struct {
    std::string store_key;
    std::string value;
  } rows[] = {
      {IssuerRecordKey("tenants/none/issuers/i"), SerializeIssuer(MakeIssuer("none", "i"))},
      {IssuerRecordKey("tenants/acme/issuers/unclaimed"),
       SerializeIssuer(MakeIssuer("acme", "unclaimed"))},
      {IssuerUrlRecordKey("https://nobody.example"), SerializeIssuerUrl("tenants/acme/issuers/no")},
      {IssuerUrlRecordKey("https://second.example"),
       SerializeIssuerUrl("tenants/acme/issuers/main")},
      {KeyRecordKey("tenants/acme/keys/lost"),
       SerializeKey(MakeKey(std::make_shared<Issuer>(MakeIssuer("acme", "no")), "lost"))},
      {VersionRecordKey("tenants/acme/keys/none", 1), SerializeVersion(MakePending(1))},
      {BindingRecordKey("tenants/none/roleBindings/b"),
       SerializeBinding(MakeBinding("tenants/none", "b", "p", v1::ROLE_VIEWER))},
  };
  for (const auto& row : rows) {
    WriteRaw(row.store_key, row.value);
    ExpectDataLoss(row.store_key);
    WriteRaw(row.store_key, std::nullopt);
    EXPECT_TRUE(catalog().CatchUp().ok()) << row.store_key;
  }
}

// It would allow every subject.
TEST_F(CorruptRecordsTest, AnEmptySubjectPrefix) {
  const std::string store_key = KeyRecordKey("tenants/acme/keys/k");
  Key key = *Now()->keys.at("tenants/acme/keys/k");
  key.claim_rules.subject_prefixes = {"user:", ""};
  WriteRaw(store_key, SerializeKey(key));
  ExpectDataLoss(store_key);
}

// A lost version could have been the one that signs; an extra one is not ours.
TEST_F(CorruptRecordsTest, VersionsMustMatchTheKey) {
  const std::string extra = VersionRecordKey("tenants/acme/keys/k", 2);
  WriteRaw(extra, SerializeVersion(MakePending(2)));
  ExpectDataLoss(KeyRecordKey("tenants/acme/keys/k"));
  WriteRaw(extra, std::nullopt);
  EXPECT_TRUE(catalog().CatchUp().ok());
  WriteRaw(VersionRecordKey("tenants/acme/keys/k", 1), std::nullopt);
  ExpectDataLoss(KeyRecordKey("tenants/acme/keys/k"));
}

// What validators have in their caches under a version's name stays what signs.
TEST_F(CorruptRecordsTest, AVersionKeepsItsKeyPair) {
  const std::string store_key = VersionRecordKey("tenants/acme/keys/k", 1);
  const auto key = GetKey();
  Do(CompleteVersion(*key, Completed(*key->versions[0], {kStart, kStart})));
  const KeyVersion good = *GetKey()->versions[0];
  KeyVersion other_pair = Completed(good, good.times);
  KeyVersion other_object = good;
  other_object.object_id = std::string(16, 'x');
  for (const KeyVersion& bad : {other_pair, other_object}) {
    WriteRaw(store_key, SerializeVersion(bad));
    const absl::Status status = catalog().CatchUp();
    EXPECT_EQ(ErrorReason(status), "RECORD_CORRUPT") << status;
    EXPECT_EQ(GetKey()->versions[0]->spki, good.spki);
    WriteRaw(store_key, SerializeVersion(good));
    EXPECT_TRUE(catalog().CatchUp().ok());
  }
}

// A record that was damaged, or whose JWK is another key's.
TEST_F(CorruptRecordsTest, AJwkIsThatOfItsPublicKey) {
  const std::string store_key = VersionRecordKey("tenants/acme/keys/k", 1);
  const auto key = GetKey();
  Do(CompleteVersion(*key, Completed(*key->versions[0], {kStart, kStart})));
  KeyVersion bad = *GetKey()->versions[0];
  bad.jwk.set_kid("another");
  WriteRaw(store_key, SerializeVersion(bad));
  ExpectDataLoss(store_key);
  bad = *GetKey()->versions[0];
  bad.spki.back() = static_cast<char>(bad.spki.back() ^ 1);
  WriteRaw(store_key, SerializeVersion(bad));
  ExpectDataLoss(store_key);
}

// Whoever committed must not be told that nothing happened.
TEST_F(CorruptRecordsTest, CommitThatCannotBeReadBackSaysSo) {
  WriteRaw(TenantRecordKey("tenants/broken"), "\xff\xff");
  const auto before = Now();
  const auto done = catalog().Commit(CreateTenant(MakeTenant("fine")));
  EXPECT_EQ(done.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(done.status()), "CATALOG_STALE");
  EXPECT_EQ(Now(), before);
  EXPECT_TRUE((*store().Get(TenantRecordKey("tenants/fine"))).has_value());
  // Mended, the catalog shows what it missed too.
  WriteRaw(TenantRecordKey("tenants/broken"), SerializeTenant(MakeTenant("broken")));
  EXPECT_TRUE(catalog().CatchUp().ok());
  EXPECT_TRUE(Now()->tenants.contains("tenants/fine"));
  EXPECT_TRUE(Now()->tenants.contains("tenants/broken"));
}

}  // namespace
}  // namespace sealward::catalog
