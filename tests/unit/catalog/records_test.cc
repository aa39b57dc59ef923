#include "server/catalog/records.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "sealward/store/v1/records.pb.h"
#include "tests/unit/catalog/catalog_fixture.h"

namespace sealward::catalog {
namespace {

using testing::HasSubstr;

TEST(RecordsTest, TenantRoundTrip) {
  const Tenant tenant = MakeTenant("acme");
  const auto back = ParseTenant({"k", SerializeTenant(tenant), 7}, tenant.name);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->name, tenant.name);
  EXPECT_EQ(back->display_name, tenant.display_name);
  EXPECT_EQ(back->create_time, tenant.create_time);
  EXPECT_EQ(back->mod_revision, 7);
}

TEST(RecordsTest, IssuerRoundTrip) {
  Issuer issuer = MakeIssuer("acme", "main", true);
  const auto unpublished = ParseIssuer({"k", SerializeIssuer(issuer), 7}, issuer.name);
  ASSERT_TRUE(unpublished.ok());
  EXPECT_EQ(unpublished->issuer_url, issuer.issuer_url);
  EXPECT_EQ(unpublished->max_age, issuer.max_age);
  EXPECT_EQ(unpublished->propagation_time, issuer.propagation_time);
  EXPECT_TRUE(unpublished->shared);
  EXPECT_EQ(unpublished->create_time, issuer.create_time);
  EXPECT_EQ(unpublished->first_publish_time, absl::InfiniteFuture());
  EXPECT_EQ(unpublished->mod_revision, 7);
  EXPECT_EQ(unpublished->earlier_promise_until, absl::InfinitePast());
  issuer.first_publish_time = kStart + absl::Seconds(1);
  issuer.earlier_promise_until = kStart + absl::Hours(12);
  EXPECT_EQ(ParseIssuer({"k", SerializeIssuer(issuer), 7}, issuer.name)->earlier_promise_until,
            issuer.earlier_promise_until);
  EXPECT_EQ(ParseIssuer({"k", SerializeIssuer(issuer), 7}, issuer.name)->first_publish_time,
            issuer.first_publish_time);
}

TEST(RecordsTest, KeyRoundTrip) {
  const Key key = MakeKey(std::make_shared<Issuer>(MakeIssuer("acme", "main")), "k");
  const auto back = ParseKey({"k", SerializeKey(key), 7}, key.name);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->issuer_name, key.issuer->name);
  EXPECT_EQ(back->key.name, key.name);
  EXPECT_EQ(back->key.purpose, key.purpose);
  EXPECT_EQ(back->key.audiences, key.audiences);
  EXPECT_EQ(back->key.typs, key.typs);
  EXPECT_EQ(back->key.max_jwt_lifetime, key.max_jwt_lifetime);
  EXPECT_EQ(back->key.algorithm, key.algorithm);
  EXPECT_EQ(back->key.create_time, key.create_time);
  EXPECT_EQ(back->key.last_version, 1);
  EXPECT_EQ(back->key.mod_revision, 7);
}

TEST(RecordsTest, VersionRoundTrip) {
  const KeyVersion pending = MakePending(3);
  const auto back = ParseVersion({"k", SerializeVersion(pending), 7}, 3);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->number, 3);
  EXPECT_EQ(back->object_id, pending.object_id);
  EXPECT_EQ(back->algorithm, pending.algorithm);
  EXPECT_EQ(back->create_time, pending.create_time);
  EXPECT_EQ(back->times, lifecycle::VersionTimes{});
  EXPECT_EQ(back->spki, "");

  const KeyVersion whole =
      Completed(pending, {kStart, kStart + absl::Seconds(1), kStart + absl::Seconds(2),
                          kStart + absl::Seconds(3), kStart + absl::Seconds(4)});
  const auto complete = ParseVersion({"k", SerializeVersion(whole), 7}, 3);
  ASSERT_TRUE(complete.ok()) << complete.status();
  EXPECT_EQ(complete->spki, whole.spki);
  EXPECT_EQ(complete->jwk.SerializeAsString(), whole.jwk.SerializeAsString());
  EXPECT_EQ(complete->times, whole.times);
}

TEST(RecordsTest, BindingRoundTrip) {
  for (const std::string parent : {"", "tenants/acme", "tenants/acme/keys/web"}) {
    for (const bool bootstrap : {false, true}) {
      RoleBinding binding = MakeBinding(parent, "b", "spiffe://x/y", v1::ROLE_VIEWER);
      binding.bootstrap = bootstrap;
      const auto back = ParseBinding({"k", SerializeBinding(binding), 7}, binding.name);
      ASSERT_TRUE(back.ok());
      EXPECT_EQ(back->name, binding.name);
      EXPECT_EQ(back->tenant, parent.empty() ? "" : "tenants/acme");
      EXPECT_EQ(back->key, parent.ends_with("web") ? parent : "");
      EXPECT_EQ(back->principal, binding.principal);
      EXPECT_EQ(back->role, binding.role);
      EXPECT_EQ(back->create_time, binding.create_time);
      EXPECT_EQ(back->bootstrap, bootstrap);
      EXPECT_EQ(back->mod_revision, 7);
    }
  }
}

// Rounding up would let a version sign before the caches have it.
TEST(RecordsTest, TimesAreRoundedDownToMicroseconds) {
  const absl::Time odd = kStart + absl::Nanoseconds(1'999);
  const KeyVersion version = Completed(MakePending(1), {odd, odd, odd});
  EXPECT_EQ(ParseVersion({"k", SerializeVersion(version), 1}, 1)->times.publish,
            kStart + absl::Microseconds(1));
}

// RFC 7515 section 4: this is what every JWT of the version begins with.
TEST(RecordsTest, HeaderSegmentsAreFixedJson) {
  KeyVersion version = Completed(MakePending(1), {kStart, kStart, kStart});
  const auto segments = HeaderSegments(version, {"JWT", "at+jwt"});
  ASSERT_EQ(segments.size(), 2U);
  const std::string kid = version.jwk.kid();
  EXPECT_EQ(kid.size(), 43U);
  EXPECT_EQ(*Base64UrlDecode(segments[0]),
            absl::StrCat(R"({"alg":"ES256","kid":")", kid, R"(","typ":"JWT"})"));
  EXPECT_EQ(*Base64UrlDecode(segments[1]),
            absl::StrCat(R"({"alg":"ES256","kid":")", kid, R"(","typ":"at+jwt"})"));
  EXPECT_THAT(HeaderSegments(MakePending(1), {"JWT"}), testing::IsEmpty());
}

// Each rule that this server keeps is checked when it reads: a record that breaks
// one was damaged, or written by somebody else.
TEST(RecordsTest, BrokenVersionsAreDataLoss) {
  using Record = store::v1::KeyVersionRecord;
  const KeyVersion good = Completed(MakePending(1), {kStart, kStart, kStart});
  const struct {
    std::string says;
    void (*breaks)(Record&);
  } rows[] = {
      {"number", [](Record& r) { r.set_version(2); }},
      {"object id", [](Record& r) { r.set_object_id("short"); }},
      {"algorithm", [](Record& r) { r.set_algorithm(v1::ALGORITHM_UNSPECIFIED); }},
      {"not one of its algorithm", [](Record& r) { r.set_algorithm(v1::ALGORITHM_EDDSA_ED25519); }},
      {"not one of its algorithm", [](Record& r) { r.set_spki("garbage"); }},
      {"JWK is not that", [](Record& r) { r.set_spki(NewSpki()); }},
      {"JWK is not that", [](Record& r) { r.mutable_jwk()->set_kid("other"); }},
      {"JWK is not that", [](Record& r) { r.clear_jwk(); }},
      {"JWK but no public key", [](Record& r) { r.clear_spki(); }},
      {"without a public key", [](Record& r) { r.clear_spki(), r.clear_jwk(); }},
      {"not in order", [](Record& r) { r.set_activate_time_us(1); }},
      {"not in order", [](Record& r) { r.set_withdraw_time_us(r.publish_time_us() - 1); }},
      {"reverse",
       [](Record& r) {
         r.clear_publish_time_us(), r.clear_standby_time_us(), r.clear_activate_time_us();
       }},
  };
  for (const auto& row : rows) {
    Record record;
    ASSERT_TRUE(record.ParseFromString(SerializeVersion(good)));
    row.breaks(record);
    const auto back = ParseVersion({"the/key", record.SerializeAsString(), 1}, 1);
    EXPECT_EQ(back.status().code(), absl::StatusCode::kDataLoss) << row.says;
    EXPECT_EQ(ErrorReason(back.status()), "RECORD_CORRUPT");
    EXPECT_THAT(std::string(back.status().message()), HasSubstr("\"the/key\""));
    EXPECT_THAT(std::string(back.status().message()), HasSubstr(row.says));
  }
}

TEST(RecordsTest, BrokenKeysAreDataLoss) {
  using Record = store::v1::KeyRecord;
  const Key good = MakeKey(std::make_shared<Issuer>(MakeIssuer("acme", "main")), "k");
  const struct {
    std::string says;
    void (*breaks)(Record&);
  } rows[] = {
      {"issuer", [](Record& r) { r.set_issuer("tenants/acme"); }},
      {"issuer is not the tenant's", [](Record& r) { r.set_issuer("tenants/evil/issuers/main"); }},
      {"purpose", [](Record& r) { r.set_purpose(3); }},
      {"not for JWTs", [](Record& r) { r.set_purpose(v1::KEY_PURPOSE_RAW); }},
      {"not for JWTs",
       [](Record& r) {
         r.set_purpose(v1::KEY_PURPOSE_RAW);
         r.clear_issuer();
         r.clear_audiences();
       }},
      {"propagation time of its own", [](Record& r) { r.set_raw_propagation_time_s(1); }},
      {"propagation time is negative",
       [](Record& r) {
         r.set_purpose(v1::KEY_PURPOSE_RAW);
         r.clear_issuer();
         r.clear_audiences();
         r.clear_typs();
         r.set_raw_propagation_time_s(-1);
       }},
      {"audiences", [](Record& r) { r.clear_audiences(); }},
      {"typs", [](Record& r) { r.clear_typs(); }},
      {"typs", [](Record& r) { r.add_typs("a\",\"jku\":\"x"); }},
      {"typs", [](Record& r) { r.add_typs(""); }},
      {"lifetime", [](Record& r) { r.set_max_jwt_lifetime_s(0); }},
      {"algorithm", [](Record& r) { r.clear_algorithm(); }},
      {"last version", [](Record& r) { r.set_last_version(-1); }},
  };
  for (const auto& row : rows) {
    Record record;
    ASSERT_TRUE(record.ParseFromString(SerializeKey(good)));
    row.breaks(record);
    const auto back = ParseKey({"the/key", record.SerializeAsString(), 1}, good.name);
    EXPECT_EQ(back.status().code(), absl::StatusCode::kDataLoss) << row.says;
    EXPECT_THAT(std::string(back.status().message()), HasSubstr(row.says));
  }
}

TEST(RecordsTest, BrokenOthersAreDataLoss) {
  const auto data_loss = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  };
  data_loss(ParseTenant({"k", "\xff", 1}, "tenants/acme").status());
  data_loss(ParseIssuer({"k", "\xff", 1}, "tenants/acme/issuers/i").status());
  data_loss(ParseIssuerUrl({"k", "\xff", 1}).status());
  data_loss(ParseKey({"k", "\xff", 1}, "tenants/acme/keys/k").status());
  data_loss(ParseVersion({"k", "\xff", 1}, 1).status());
  data_loss(ParseBinding({"k", "\xff", 1}, "roleBindings/b").status());
  data_loss(ParseIssuer({"k", "", 1}, "tenants/acme/issuers/i").status());
  data_loss(ParseBinding({"k", "", 1}, "roleBindings/b").status());
  Issuer issuer = MakeIssuer("acme", "main");
  issuer.max_age = absl::ZeroDuration();
  data_loss(ParseIssuer({"k", SerializeIssuer(issuer), 1}, issuer.name).status());
  RoleBinding binding = MakeBinding("", "b", "p", static_cast<v1::Role>(99));
  data_loss(ParseBinding({"k", SerializeBinding(binding), 1}, binding.name).status());
}

}  // namespace
}  // namespace sealward::catalog
