// Names, durations, suggestions, tables and JSON of the CLI.
#include "absl/strings/str_cat.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/key_text.h"
#include "client/cli/names.h"
#include "client/cli/output.h"
#include "client/cli/suggest.h"
#include "client/cli/table.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace sealward::client::cli {
namespace {

using testing::HasSubstr;

template <typename Name>
std::string Shown(const absl::StatusOr<Name>& name) {
  return name.ok() ? name->ToString() : std::string(absl::StatusCodeToString(name.status().code()));
}

// A short name that expands to the wrong resource rotates the wrong key.
TEST(Names, ShortAndFullFormsAreTheSame) {
  EXPECT_EQ(Shown(ExpandTenant("demo")), "tenants/demo");
  EXPECT_EQ(Shown(ExpandTenant("tenants/demo")), "tenants/demo");
  EXPECT_EQ(Shown(ExpandKey("demo/main")), "tenants/demo/keys/main");
  EXPECT_EQ(Shown(ExpandKey("tenants/demo/keys/main")), "tenants/demo/keys/main");
  EXPECT_EQ(Shown(ExpandIssuer("demo/login")), "tenants/demo/issuers/login");
  EXPECT_EQ(Shown(ExpandIssuerOf("demo", "login")), "tenants/demo/issuers/login");
  EXPECT_EQ(Shown(ExpandIssuerOf("demo", "other/login")), "tenants/other/issuers/login");
  EXPECT_EQ(Shown(ExpandRoleBinding("ops")), "roleBindings/ops");
  EXPECT_EQ(Shown(ExpandRoleBinding("roleBindings/ops")), "roleBindings/ops");
  EXPECT_EQ(Shown(ExpandRoleBinding("demo/ops")), "tenants/demo/roleBindings/ops");
  EXPECT_EQ(Shown(ExpandRoleBinding("tenants/demo/roleBindings/ops")),
            "tenants/demo/roleBindings/ops");
  EXPECT_EQ(Shown(ExpandRoleBinding("demo/main/ops")), "tenants/demo/keys/main/roleBindings/ops");
  EXPECT_EQ(Shown(ExpandRoleBinding("tenants/demo/keys/main/roleBindings/ops")),
            "tenants/demo/keys/main/roleBindings/ops");
  for (const char* bad : {"", "/", "/ops", "demo/", "demo//ops", "/main/ops", "demo/main/",
                          "a/b/c/d", "demo/Main/ops", "tenants/demo", "roleBindings/a/b"}) {
    EXPECT_EQ(Shown(ExpandRoleBinding(bad)), "INVALID_ARGUMENT") << bad;
  }
}

TEST(Names, WhatIsNoNameIsRefusedWithBothForms) {
  for (const char* bad : {"", "main", "demo/", "/main", "demo/main/1", "demo/Main", "demo//main",
                          "tenants/demo", "tenants/demo/issuers/main", "tenants/demo/keys/"}) {
    const auto name = ExpandKey(bad);
    ASSERT_FALSE(name.ok()) << bad;
    EXPECT_EQ(ExitCodeOf(name.status()), kExitUsage);
    EXPECT_THAT(
        std::string(name.status().message()),
        testing::AllOf(HasSubstr("tenants/{tenant}/keys/{key}"), HasSubstr("{tenant}/{key}")));
  }
  // A tenant called "tenants" would be ambiguous: the full form wins.
  EXPECT_EQ(Shown(ExpandKey("tenants/main")), "INVALID_ARGUMENT");
}

// Whoever reviews a key must see what it demands of its claims.
TEST(KeyTexts, SayTheClaimRules) {
  v1::Key key;
  EXPECT_THAT(KeyText(key), testing::ContainsRegex("Subject +any\n"));
  EXPECT_THAT(KeyText(key), testing::ContainsRegex("JWT id +any\n"));
  v1::ClaimRules& rules = *key.mutable_scope()->mutable_claim_rules();
  rules.set_subject_required(true);
  rules.set_jwt_id_required(true);
  EXPECT_THAT(KeyText(key), testing::ContainsRegex("Subject +required\n"));
  EXPECT_THAT(KeyText(key), testing::ContainsRegex("JWT id +required\n"));
  rules.add_subject_prefixes("user:");
  rules.add_subject_prefixes("svc:");
  EXPECT_THAT(KeyText(key), HasSubstr("required, begins with user: or svc:\n"));
  rules.set_subject_required(false);
  EXPECT_THAT(KeyText(key), testing::ContainsRegex("Subject +begins with user: or svc:\n"));
}

// A unit that is guessed is a cache promise that nobody made.
TEST(Durations, NeedAUnit) {
  const auto parse = [](const char* text) { return ParseDuration("--max-age", text); };
  EXPECT_EQ(*parse("300s"), absl::Seconds(300));
  EXPECT_EQ(*parse("20m"), absl::Minutes(20));
  EXPECT_EQ(*parse("1h"), absl::Hours(1));
  EXPECT_EQ(*parse("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*parse("1.5s"), absl::Milliseconds(1500));
  EXPECT_EQ(*parse("2d"), absl::Hours(48));
  EXPECT_EQ(*parse("1d12h"), absl::Hours(36));
  EXPECT_EQ(*parse("P30D"), absl::Hours(30 * 24));
  EXPECT_EQ(*parse("PT1H30M"), absl::Minutes(90));
  for (const char* bad :
       {"",    "300", "-5s",  "+5s", "0s",  "0",   "s",    "5 s",  "5x",  "1d1d", "99999d",
        "inf", "d",   "1.5d", "5s5", "P1M", "P1Y", "PT0S", "-P1D", "P5s", "P"}) {
    const auto duration = parse(bad);
    ASSERT_FALSE(duration.ok()) << bad << " gave " << absl::FormatDuration(*duration);
    EXPECT_THAT(std::string(duration.status().message()), HasSubstr("--max-age"));
  }
}

// What the help names as the default can be given.
TEST(Durations, NoneCanBeGivenWhereItIsTheDefault) {
  EXPECT_EQ(*ParseDurationOrZero("--propagation-time", "0s"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDurationOrZero("--propagation-time", "0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDurationOrZero("--propagation-time", "5m"), absl::Minutes(5));
  EXPECT_FALSE(ParseDurationOrZero("--propagation-time", "-5m").ok());
}

TEST(Suggest, TheNearestWord) {
  const std::vector<std::string> words = {"tenants", "issuers", "keys", "bindings", "jwt"};
  EXPECT_EQ(Nearest("kyes", words), "keys");
  EXPECT_EQ(Nearest("tenant", words), "tenants");
  EXPECT_EQ(Nearest("bindngs", words), "bindings");
  EXPECT_EQ(Nearest("jwts", words), "jwt");
  EXPECT_EQ(Nearest("status-of-everything", words), "");
  EXPECT_EQ(Nearest("zzz", words), "");
  EXPECT_EQ(Nearest(std::string(1000, 'k'), words), "");
}

// Scripts cut columns: they must not depend on a terminal or on trailing spaces.
TEST(Tables, AlignColumns) {
  Table table({"NAME", "STATE", "X"});
  table.Add({"a", "ACTIVE", "1"});
  table.Add({"a-long-name", "", "22"});
  EXPECT_EQ(table.ToString(),
            "NAME         STATE   X\n"
            "a            ACTIVE  1\n"
            "a-long-name  -       22\n");
}

TEST(Tables, CountLettersNotBytesAndDisarmControls) {
  Table table({"NAME", "X"});
  table.Add({"Zürich", "1"});
  table.Add({"abcdef\x1b[2J", "2"});
  EXPECT_EQ(table.ToString(),
            "NAME        X\n"
            "Zürich      1\n"
            "abcdef?[2J  2\n");
}

// The JSON form is an interface: fields with default values must be there.
TEST(Json, IsOneStableObject) {
  v1::ListKeysResponse response;
  auto* key = response.add_keys();
  key->set_name("tenants/demo/keys/main");
  key->set_algorithm(v1::ALGORITHM_ES256);
  key->mutable_create_time()->set_seconds(1'700'000'000);
  const auto json = nlohmann::json::parse(ToJson(response));
  EXPECT_EQ(json["keys"][0]["name"], "tenants/demo/keys/main");
  EXPECT_EQ(json["keys"][0]["algorithm"], "ALGORITHM_ES256");
  EXPECT_EQ(json["keys"][0]["createTime"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(json["keys"][0]["signingVersion"], "");
  EXPECT_FALSE(json["keys"][0].contains("nextSwitchTime"));
  EXPECT_TRUE(nlohmann::json::parse(ToJson(v1::ListKeysResponse()))["keys"].empty());
}

TEST(Errors, SayWhatReasonAndWhenToTryAgain) {
  const absl::Status busy = MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                                               "no process is ready", absl::Milliseconds(1500));
  EXPECT_EQ(ErrorText("jwt sign tenants/t/keys/k", busy),
            "sealward: jwt sign tenants/t/keys/k: no process is ready [UNAVAILABLE, "
            "HSM_UNAVAILABLE]\nThe server asks to wait 1.5s before trying again.\n");
  const auto json = nlohmann::json::parse(ErrorJson(busy));
  EXPECT_EQ(json["error"]["code"], "UNAVAILABLE");
  EXPECT_EQ(json["error"]["reason"], "HSM_UNAVAILABLE");
  EXPECT_EQ(json["error"]["retryDelay"], "1.5s");
  // Bytes that are no UTF-8 must not end the program.
  EXPECT_THAT(ErrorJson(absl::InternalError("\xff")), HasSubstr("INTERNAL"));
}

// Scripts act on these.
TEST(ExitCodes, FollowTheTable) {
  const std::vector<std::pair<absl::StatusCode, int>> table = {
      {absl::StatusCode::kOk, 0},
      {absl::StatusCode::kInvalidArgument, 2},
      {absl::StatusCode::kPermissionDenied, 3},
      {absl::StatusCode::kUnauthenticated, 3},
      {absl::StatusCode::kNotFound, 4},
      {absl::StatusCode::kAlreadyExists, 4},
      {absl::StatusCode::kFailedPrecondition, 4},
      {absl::StatusCode::kAborted, 4},
      {absl::StatusCode::kUnavailable, 5},
      {absl::StatusCode::kDeadlineExceeded, 5},
      {absl::StatusCode::kResourceExhausted, 5},
      {absl::StatusCode::kInternal, 1},
      {absl::StatusCode::kUnimplemented, 1},
      {absl::StatusCode::kDataLoss, 1},
  };
  for (const auto& [code, exit_code] : table) {
    EXPECT_EQ(ExitCodeOf(absl::Status(code, "")), exit_code) << absl::StatusCodeToString(code);
  }
}

v1::RotateKeyResponse Rotation(int64_t switch_seconds) {
  v1::RotateKeyResponse rotation;
  rotation.mutable_key()->set_name("tenants/demo/keys/main");
  rotation.mutable_predecessor()->set_name("tenants/demo/keys/main/versions/1");
  rotation.mutable_predecessor()->mutable_withdraw_time()->set_seconds(switch_seconds + 3600);
  rotation.mutable_successor()->set_name("tenants/demo/keys/main/versions/2");
  rotation.mutable_switch_time()->set_seconds(switch_seconds);
  return rotation;
}

// An operator who misreads this pulls the old key too early.
TEST(RotationText, SaysWhenAndWhatSignsUntilThen) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_EQ(RotationText(Rotation(1'700'000'600), false, now),
            "tenants/demo/keys/main: version 2 will sign from 2023-11-14T22:23:20Z on (in 10m), "
            "when every cache has it.\n"
            "Until then version 1 signs.\n"
            "It stays in the JWKS for JWTs that still live, until 2023-11-14T23:23:20Z.\n");
  EXPECT_EQ(RotationText(Rotation(1'700'000'000), false, now),
            "tenants/demo/keys/main: version 2 signs now.\n"
            "Version 1 stays in the JWKS for JWTs that still live, until 2023-11-14T23:13:20Z.\n");
  EXPECT_THAT(RotationText(Rotation(1'700'000'600), true, now),
              testing::AllOf(HasSubstr("would sign from"), HasSubstr("Nothing was changed")));
}

}  // namespace
}  // namespace sealward::client::cli
