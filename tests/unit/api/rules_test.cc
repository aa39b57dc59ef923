// The rules for values and pages, without a server.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base64url.h"
#include "common/errors.h"
#include "server/api/etag.h"
#include "server/api/issuer_rules.h"
#include "server/api/key_rules.h"
#include "server/api/paging.h"

namespace sealward::api {
namespace {

// An `iss` that validators normalise differently is two issuers to them.
TEST(IssuerUrl, AcceptsWhatEveryValidatorReadsAlike) {
  for (const char* url : {"https://a", "https://login.example.com", "https://a.b/c/d", "https://a/",
                          "https://a/b/", "https://a:8443/b", "https://127.0.0.1:8443/t",
                          "https://a/b-._~!$&'()*+,;=:@/%2F%C3%BC", "https://localhost/x"}) {
    EXPECT_TRUE(CheckIssuerUrl(url).ok()) << url;
  }
  EXPECT_TRUE(CheckIssuerUrl("https://a/" + std::string(502, 'b')).ok());
}

TEST(IssuerUrl, RefusesEverythingElse) {
  for (const std::string& url : std::vector<std::string>{"",
                                                         "https://",
                                                         "https:///a",
                                                         "http://a",
                                                         "HTTPS://a",
                                                         "https:/a",
                                                         "//a",
                                                         "a",
                                                         "https://A",
                                                         "https://a.B/c",
                                                         "https://a?b",
                                                         "https://a/b?c",
                                                         "https://a#b",
                                                         "https://a/b#",
                                                         "https://a?",
                                                         "https://u@a",
                                                         "https://u:p@a/b",
                                                         "https://a:443",
                                                         "https://a:0",
                                                         "https://a:65536",
                                                         "https://a:",
                                                         "https://a:08443",
                                                         "https://a:8x",
                                                         "https://[::1]/a",
                                                         "https://a..b",
                                                         "https://.a",
                                                         "https://a.",
                                                         "https://-a",
                                                         "https://a-",
                                                         "https://a_b",
                                                         "https://a//b",
                                                         "https://a/b//",
                                                         "https://a/./b",
                                                         "https://a/..",
                                                         "https://a/b c",
                                                         "https://a/\xC3\xBC",
                                                         "https://a/%",
                                                         "https://a/%2",
                                                         "https://a/%2f",
                                                         "https://a/%zz",
                                                         "https://a/<b>",
                                                         "https://a/\"",
                                                         "https://a\\b",
                                                         "https://a/b\n",
                                                         " https://a",
                                                         "https://a ",
                                                         std::string("https://a/\0b", 12),
                                                         "https://" + std::string(64, 'a'),
                                                         "https://a/" + std::string(503, 'b')}) {
    const absl::Status status = CheckIssuerUrl(url);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_EQ(ErrorReason(status), "ISSUER_URL_INVALID") << url;
  }
}

v1::Issuer IssuerWith(int64_t max_age, int64_t propagation) {
  v1::Issuer issuer;
  issuer.set_issuer_url("https://a");
  if (max_age >= 0) issuer.mutable_max_age()->set_seconds(max_age);
  if (propagation >= 0) issuer.mutable_propagation_time()->set_seconds(propagation);
  return issuer;
}

TEST(CachePromise, HasDefaults) {
  const auto issuer = ParseIssuer(IssuerWith(-1, -1));
  ASSERT_TRUE(issuer.ok());
  EXPECT_EQ(issuer->max_age, absl::Seconds(300));
  EXPECT_EQ(issuer->propagation_time, absl::Minutes(21));
  const auto slow = ParseIssuer(IssuerWith(7200, -1));
  ASSERT_TRUE(slow.ok());
  EXPECT_EQ(slow->propagation_time, absl::Hours(2) + absl::Minutes(1));
}

TEST(CachePromise, NoKeySignsBeforeCachesHaveIt) {
  EXPECT_TRUE(ParseIssuer(IssuerWith(300, 300)).ok());
  EXPECT_TRUE(ParseIssuer(IssuerWith(1, 1)).ok());
  EXPECT_TRUE(ParseIssuer(IssuerWith(86'400, 30 * 86'400)).ok());
  for (const auto& [max_age, propagation] : std::vector<std::pair<int64_t, int64_t>>{
           {0, -1}, {86'401, -1}, {300, 299}, {300, 0}, {-1, 30 * 86'400 + 1}, {-1, 299}}) {
    EXPECT_EQ(ErrorReason(ParseIssuer(IssuerWith(max_age, propagation)).status()),
              "CACHE_PROMISE_INVALID")
        << max_age << " " << propagation;
  }
  v1::Issuer fraction = IssuerWith(300, -1);
  fraction.mutable_max_age()->set_nanos(1);
  EXPECT_FALSE(ParseIssuer(fraction).ok());
}

v1::Key GoodKey() {
  v1::Key key;
  key.set_purpose(v1::KEY_PURPOSE_JWT);
  key.set_algorithm(v1::ALGORITHM_ES256);
  key.mutable_scope()->set_issuer("tenants/a/issuers/i");
  key.mutable_scope()->add_audiences("mail");
  return key;
}

std::string KeyReason(const v1::Key& key) {
  return ErrorReason(ParseNewKey("tenants/a", "tenants/a/keys/k", key).status());
}

TEST(KeyRules, FillsInDefaults) {
  const auto key = ParseNewKey("tenants/a", "tenants/a/keys/k", GoodKey());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->typs, std::vector<std::string>{"JWT"});
  EXPECT_EQ(key->max_jwt_lifetime, absl::Hours(1));
}

TEST(KeyRules, RefusesScopesThatAreNone) {
  const auto with = [](auto change) {
    v1::Key key = GoodKey();
    change(*key.mutable_scope());
    return KeyReason(key);
  };
  EXPECT_EQ(with([](v1::KeyScope& s) { s.set_issuer("tenants/b/issuers/i"); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) { s.set_issuer(""); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) { s.clear_audiences(); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) { s.add_audiences(""); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) { s.add_audiences("mail"); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) { s.add_audiences(std::string(513, 'x')); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) {
              for (int i = 0; i < 64; ++i) s.add_audiences(std::to_string(i));
            }),
            "SCOPE_INVALID");
  for (const char* typ : {"", "a b", "a/b", "at\"jwt", "\xC3\xBC"}) {
    EXPECT_EQ(with([typ](v1::KeyScope& s) { s.add_typs(typ); }), "SCOPE_INVALID") << typ;
  }
  EXPECT_EQ(with([](v1::KeyScope& s) { s.add_typs(std::string(65, 'x')); }), "SCOPE_INVALID");
  EXPECT_EQ(with([](v1::KeyScope& s) {
              for (int i = 0; i < 9; ++i) s.add_typs(std::to_string(i));
            }),
            "SCOPE_INVALID");
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, int64_t{30 * 86'400 + 1}}) {
    EXPECT_EQ(
        with([seconds](v1::KeyScope& s) { s.mutable_max_jwt_lifetime()->set_seconds(seconds); }),
        "SCOPE_INVALID");
  }
  EXPECT_EQ(with([](v1::KeyScope& s) { s.add_typs("at+jwt"); }), "");
}

TEST(KeyRules, TakesClaimRules) {
  v1::Key message = GoodKey();
  v1::ClaimRules& rules = *message.mutable_scope()->mutable_claim_rules();
  for (int i = 0; i < kMaxSubjectPrefixes; ++i) {
    rules.add_subject_prefixes(std::string(kMaxSubjectPrefixBytes, static_cast<char>('a' + i)));
  }
  rules.set_jwt_id_required(true);
  const auto key = ParseNewKey("tenants/a", "tenants/a/keys/k", message);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->claim_rules.subject_prefixes.size(), 16U);
  EXPECT_FALSE(key->claim_rules.subject_required);
  EXPECT_TRUE(key->claim_rules.jwt_id_required);
  rules.set_subject_required(true);
  rules.set_jwt_id_required(false);
  rules.clear_subject_prefixes();
  const auto other = ParseNewKey("tenants/a", "tenants/a/keys/k", message);
  EXPECT_EQ(other->claim_rules, (catalog::ClaimRules{.subject_required = true}));
}

// An empty prefix would allow every subject, and look like a rule.
TEST(KeyRules, RefusesClaimRulesThatAreNone) {
  const auto with = [](const std::vector<std::string>& prefixes) {
    v1::Key key = GoodKey();
    key.mutable_scope()->mutable_claim_rules()->mutable_subject_prefixes()->Add(prefixes.begin(),
                                                                                prefixes.end());
    const absl::Status status = ParseNewKey("tenants/a", "tenants/a/keys/k", key).status();
    const bool names_field =
        status.message().find("claim_rules.subject_prefixes") != std::string::npos;
    return ErrorReason(status) + (status.ok() || names_field ? "" : " without the field");
  };
  EXPECT_EQ(with({"user:", "svc:"}), "");
  EXPECT_EQ(with({""}), "SCOPE_INVALID");
  EXPECT_EQ(with({"user:", ""}), "SCOPE_INVALID");
  EXPECT_EQ(with({"user:", "user:"}), "SCOPE_INVALID");
  EXPECT_EQ(with({std::string(257, 'x')}), "SCOPE_INVALID");
  std::vector<std::string> many;
  for (int i = 0; i < 17; ++i) many.push_back(std::to_string(i));
  EXPECT_EQ(with(many), "SCOPE_INVALID");
}

TEST(KeyRules, RefusesUnknownPurposesAndAlgorithms) {
  v1::Key key = GoodKey();
  key.set_purpose(v1::KEY_PURPOSE_UNSPECIFIED);
  EXPECT_EQ(KeyReason(key), "PURPOSE_INVALID");
  key = GoodKey();
  key.set_algorithm(v1::ALGORITHM_UNSPECIFIED);
  EXPECT_EQ(KeyReason(key), "ALGORITHM_UNSUPPORTED");
  key.set_algorithm(static_cast<v1::Algorithm>(99));
  EXPECT_EQ(KeyReason(key), "ALGORITHM_UNSUPPORTED");
}

TEST(Paging, SizesFollowTheRule) {
  EXPECT_EQ(ParsePageRequest("c", 0, "")->size, 100U);
  EXPECT_EQ(ParsePageRequest("c", 7, "")->size, 7U);
  EXPECT_EQ(ParsePageRequest("c", 5000, "")->size, 1000U);
  EXPECT_EQ(ErrorReason(ParsePageRequest("c", -1, "").status()), "PAGE_SIZE_INVALID");
}

TEST(Paging, TokensAreOursAndOfThisList) {
  const std::string token = PageToken("tenants/a/keys", "tenants/a/keys/k");
  EXPECT_EQ(ParsePageRequest("tenants/a/keys", 1, token)->after, "tenants/a/keys/k");
  std::string changed = token;
  changed[0] = changed[0] == 'A' ? 'B' : 'A';
  for (const std::string& bad :
       {changed, token + "A", token + "=", token.substr(1), std::string("x"),
        Base64UrlEncode("tenants/a/keys/k"), std::string(1000, 'A'), std::string("!")}) {
    EXPECT_EQ(ErrorReason(ParsePageRequest("tenants/a/keys", 1, bad).status()),
              "PAGE_TOKEN_INVALID")
        << bad;
  }
  EXPECT_FALSE(ParsePageRequest("tenants/b/keys", 1, token).ok());
}

TEST(Etags, ChangeWithNameAndRevision) {
  EXPECT_EQ(Etag("a", 1), Etag("a", 1));
  EXPECT_NE(Etag("a", 1), Etag("a", 2));
  EXPECT_NE(Etag("a", 1), Etag("b", 1));
  EXPECT_NE(Etag("a1", 1), Etag("a", 11));
}

}  // namespace
}  // namespace sealward::api
