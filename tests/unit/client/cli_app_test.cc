// `sealward` as a whole, against nothing and against a server that is not ours.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/cli/app.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome Invoke(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = RunApp(arguments, out, err);
  return {code, out.str(), err.str()};
}

// The program itself, with standard error in the output.
Outcome RunProgram(const std::string& arguments) {
  Outcome outcome;
  std::FILE* pipe = ::popen(absl::StrCat(SEALWARD_CLI_PATH " 2>&1 ", arguments).c_str(), "r");
  std::array<char, 4096> buffer{};
  for (size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    outcome.out.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

class CliTest : public testing::Test {
 protected:
  CliTest() {
    ::unsetenv("SEALWARD_CONFIG");
    ca_.Issue("server");
    ca_.Issue("client");
  }

  // A profile in the CA's folder, with paths relative to it.
  std::string WriteProfile(const std::string& target, const std::string& more = "") {
    std::ofstream(ca_.Path("profile.toml"))
        << "server = \"" << target << "\"\ncert = \"client.pem\"\nkey = \"client.key\"\n"
        << "ca = \"ca.pem\"\n"
        << more;
    return ca_.Path("profile.toml");
  }

  // An address where nobody listens.
  std::string DeadTarget() {
    const FakeSigningServer server(ca_);
    return server.target();
  }

  TestCa ca_;
};

// A usage error that looks like success, or like "denied", breaks scripts.
TEST_F(CliTest, UsageErrorsAreExitCode2AndSayWhatToDo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> table = {
      {{}, "needs a command"},
      {{"keys"}, "needs a command: create, get, list, update, rotate, versions"},
      {{"kyes"}, "did you mean \"keys\"?"},
      {{"keys", "rotat", "demo/main"}, "did you mean \"rotate\"?"},
      {{"keys", "rotate"}, "KEY"},
      {{"keys", "rotate", "demo/main", "--validate-onyl"}, "did you mean \"--validate-only\"?"},
      {{"keys", "get", "demo/main", "extra"}, "one argument too many"},
      {{"keys", "get", "main"}, "{tenant}/{key}"},
      {{"keys", "list", "demo", "-o", "yaml"}, "{table,json}"},
      {{"keys", "list", "demo", "--timeout", "5"}, "--timeout"},
      {{"issuers", "create", "demo/x"}, "--issuer-url"},
      {{"jwt", "sign", "demo/main", "--claims", "/nowhere/claims.json"}, "/nowhere/claims.json"},
      {{"bindings", "create", "x", "--principal", "p", "--role", "admn"},
       "did you mean \"admin\"?"},
      {{"bindings", "create", "x", "--principal", "p", "--role", "auditr"},
       "is not one of admin, tenant-admin, operator, token-issuer, viewer, validator, auditor; did "
       "you mean \"auditor\"?"},
      {{"bindings", "get", "demo/x", "--key", "demo/main"}, "with --key only the id"},
      {{"bindings", "list", "demo", "--key", "demo/main"}, "TENANT or --key, not both"},
      {{"keys", "create", "demo/k", "--issuer", "i", "--algorithm", "RS256", "--audience", "a"},
       "did you mean \"RS256-2048\"?"},
      {{"keys", "update", "demo/k"}, "say what to change"},
      {{"tenants", "update", "demo"}, "say what to change"},
      {{"keys", "update", "demo/k", "--quota-burst", "5"}, "--quota-per-second"},
      {{"keys", "update", "demo/k", "--quota-per-second", "0"}, "--quota-per-second"},
      {{"tenants", "update", "demo", "--no-quota", "--quota-per-second", "5"}, "--no-quota"},
      {{"status"}, "no --server given"},
      {{"status", "--server", "localhost"}, "no --cert given"},
  };
  for (const auto& [arguments, expected] : table) {
    const Outcome outcome = Invoke(arguments);
    EXPECT_EQ(outcome.code, 2) << absl::StrJoin(arguments, " ");
    EXPECT_THAT(outcome.err, HasSubstr(expected)) << absl::StrJoin(arguments, " ");
    EXPECT_THAT(outcome.out, IsEmpty());
  }
}

// Help teaches: the role that is needed and an example, for every command.
TEST_F(CliTest, EveryCommandsHelpHasAnExample) {
  const std::vector<std::vector<std::string>> commands = {
      {"tenants", "create"},  {"tenants", "get"},     {"tenants", "list"}, {"tenants", "update"},
      {"keys", "update"},     {"issuers", "create"},  {"issuers", "get"},  {"issuers", "list"},
      {"keys", "create"},     {"keys", "get"},        {"keys", "list"},    {"keys", "rotate"},
      {"keys", "versions"},   {"bindings", "create"}, {"bindings", "get"}, {"bindings", "list"},
      {"bindings", "delete"}, {"jwt", "sign"},        {"signing-key"},     {"status"}};
  for (auto arguments : commands) {
    const std::string example = absl::StrCat("sealward ", absl::StrJoin(arguments, " "));
    arguments.emplace_back("--help");
    const Outcome outcome = Invoke(arguments);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr(example), HasSubstr("Needs")));
    EXPECT_THAT(outcome.err, IsEmpty());
  }
  EXPECT_THAT(Invoke({"--help"}).out, HasSubstr("Exit codes:"));
  EXPECT_EQ(Invoke({"--version"}).out, "sealward 0.1.0\n");
}

TEST_F(CliTest, ProfilesAreReadAndFlagsComeFirst) {
  FakeSigningServer server(ca_);
  const std::string profile = WriteProfile(DeadTarget());
  EXPECT_EQ(Invoke({"--config", profile, "signing-key", "t/k"}).code, 5);
  EXPECT_EQ(Invoke({"--config", profile, "--server", server.target(), "signing-key", "t/k"}).code,
            0);
  WriteProfile(DeadTarget(), absl::StrCat("signing_server = \"", server.target(), "\"\n"));
  EXPECT_EQ(Invoke({"--config", profile, "signing-key", "t/k"}).code, 0);
  ::setenv("SEALWARD_CONFIG", profile.c_str(), 1);
  EXPECT_EQ(Invoke({"signing-key", "t/k"}).code, 0);
}

// A profile with a typo must not silently connect as somebody else.
TEST_F(CliTest, BadProfilesAreExplained) {
  const auto run = [this](const std::string& more) {
    return Invoke({"--config", WriteProfile("localhost:1", more), "status"});
  };
  EXPECT_THAT(run("sever = \"x\"\n").err, HasSubstr("did you mean \"server\"?"));
  EXPECT_THAT(run("signing_server = 7\n").err, HasSubstr("must be a string"));
  EXPECT_THAT(run("= nonsense\n").err, HasSubstr("profile.toml:5"));
  EXPECT_EQ(run("= nonsense\n").code, 2);
  EXPECT_THAT(Invoke({"--config", "/nowhere.toml", "status"}).err, HasSubstr("/nowhere.toml"));
}

// What goes down a pipe is the JWT and nothing else.
TEST_F(CliTest, SignsAFileVerbatimWithoutTheNewlineAtItsEnd) {
  FakeSigningServer server(ca_);
  const std::string profile = WriteProfile(server.target());
  std::ofstream(ca_.Path("claims.json")) << "{ \"a\": 1 }\n";
  const Outcome text = Invoke({"--config", profile, "jwt", "sign", "t/k", "--claims",
                               ca_.Path("claims.json"), "--typ", "at+jwt"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.out, "jwt of { \"a\": 1 }\n");
  EXPECT_THAT(text.err, IsEmpty());
  const Outcome json = Invoke({"--config", profile, "-o", "json", "jwt", "sign", "t/k", "--claims",
                               ca_.Path("claims.json"), "--typ", "at+jwt"});
  const auto object = nlohmann::json::parse(json.out);
  EXPECT_EQ(object["jwt"], "jwt of { \"a\": 1 }");
  EXPECT_EQ(object["kid"], "kid of tenants/t/keys/k at+jwt");
}

TEST_F(CliTest, ErrorsNameCommandAndResource) {
  FakeSigningServer server(ca_);
  const std::string profile = WriteProfile(server.target());
  server.Script({absl::PermissionDeniedError("denied")});
  const Outcome text = Invoke({"--config", profile, "signing-key", "t/k"});
  EXPECT_EQ(text.code, 3);
  EXPECT_EQ(text.err, "sealward: signing-key tenants/t/keys/k: denied [PERMISSION_DENIED]\n");
  server.Script({absl::FailedPreconditionError("not ready")});
  const Outcome json = Invoke({"--config", profile, "signing-key", "t/k", "-o", "json"});
  EXPECT_EQ(json.code, 4);
  EXPECT_EQ(nlohmann::json::parse(json.err)["error"]["message"], "not ready");
}

// The real program: nobody listens, and it says so at once instead of waiting
// for its time-out.
TEST_F(CliTest, AConnectionThatIsRefusedIsExitCode5AtOnce) {
  const std::string target = DeadTarget();
  const absl::Time start = absl::Now();
  const Outcome outcome =
      RunProgram(absl::StrCat("--timeout 10m --config ", WriteProfile(target), " status"));
  EXPECT_EQ(outcome.code, 5) << outcome.out;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(target), HasSubstr("check that sealward-server runs")));
  EXPECT_LT(absl::Now() - start, absl::Minutes(1));
}

TEST_F(CliTest, AMissingCertificateFileIsNamed) {
  const Outcome outcome =
      RunProgram("--server localhost:1 --ca " + ca_.Path("ca.pem") +
                 " --cert /nowhere/me.pem --key " + ca_.Path("client.key") + " status");
  EXPECT_EQ(outcome.code, 2) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("cannot read the certificate file /nowhere/me.pem"));
}

// 105 and its like are CLI11's own exit codes.
TEST_F(CliTest, TheProgramsExitCodesAreOurs) {
  EXPECT_EQ(RunProgram("-o yaml status").code, 2);
  EXPECT_EQ(RunProgram("keys create").code, 2);
  EXPECT_EQ(RunProgram("--help").code, 0);
}

// Half an answer must not look like a whole one.
TEST_F(CliTest, AFullOutputIsAnError) {
  FakeSigningServer server(ca_);
  const Outcome outcome = RunProgram(
      absl::StrCat("--config ", WriteProfile(server.target()), " signing-key t/k > /dev/full"));
  EXPECT_EQ(outcome.code, 1);
}

}  // namespace
}  // namespace sealward::client::cli
