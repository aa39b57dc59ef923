// The configuration file. If these go, a mistyped key would silently become a
// default, and an operator would believe in a setting that is not in force.
#include "server/app/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/hsm_client/partitions.h"

namespace sealward::app {
namespace {

constexpr char kGood[] = R"(environment = "development"
[store]
path = "store/sealward.db"
[hsm]
partition = "partition"
processes = 3
[grpc]
signing_listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
certificate = "tls/server.pem"
private_key = "tls/server.key"
client_ca = "/etc/ca.pem"
trust_domain = "corp.example"
local_listen = "admin.sock"
[[grpc.trust_domains]]
name = "partner.example"
bundle = "tls/partner.pem"
[https]
listen = "127.0.0.1:0"
certificate = "tls/jwks.pem"
private_key = "tls/jwks.key"
)";

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sealwardXXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<Config> Load(const std::string& text) {
    std::ofstream(directory_ / "server.toml") << text;
    return LoadConfig((directory_ / "server.toml").string(), "/usr/bin/sealward-hsm");
  }

  // The message of the error that `text` must be.
  std::string Error(const std::string& text) {
    auto config = Load(text);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(config.status().message());
  }

  std::filesystem::path directory_;
};

TEST_F(ConfigTest, ReadsEveryKeyAndMakesPathsAbsolute) {
  auto config = Load(kGood);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->environment, Config::Environment::kDevelopment);
  EXPECT_EQ(config->store.path, (directory_ / "store/sealward.db").string());
  EXPECT_EQ(config->hsm.partition, (directory_ / "partition").string());
  EXPECT_EQ(config->hsm.processes, 3);
  EXPECT_EQ(config->hsm.binary, "/usr/bin/sealward-hsm");
  EXPECT_EQ(config->grpc.client_ca, "/etc/ca.pem");
  EXPECT_EQ(config->grpc.trust_domain, "corp.example");
  EXPECT_EQ(config->grpc.local_listen, (directory_ / "admin.sock").string());
  ASSERT_EQ(config->grpc.trust_domains.size(), 1U);
  EXPECT_EQ(config->grpc.trust_domains[0].name, "partner.example");
  EXPECT_EQ(config->grpc.trust_domains[0].bundle, (directory_ / "tls/partner.pem").string());
  EXPECT_EQ(config->log.level, "info");
  EXPECT_FALSE(config->debug.core_dumps);
  EXPECT_FALSE(config->development.short_margins);
}

TEST_F(ConfigTest, ProductionIsTheDefault) {
  auto config = Load(absl::StrReplaceAll(kGood, {{"environment = \"development\"\n", ""}}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->environment, Config::Environment::kProduction);
}

// In production honest JWTs would fail wherever clocks differ by more than a second.
TEST_F(ConfigTest, ShortMarginsAreForDevelopment) {
  const std::string text = absl::StrCat(kGood, "[development]\nshort_margins = true\n");
  auto config = Load(text);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->development.short_margins);
  const std::string error =
      Error(absl::StrReplaceAll(text, {{"environment = \"development\"\n", ""}}));
  EXPECT_TRUE(absl::StrContains(error, "development.short_margins")) << error;
}

TEST_F(ConfigTest, TheExampleInDeployIsValid) {
  std::ifstream example(std::filesystem::path(SEALWARD_SOURCE_DIR) / "deploy/server.toml");
  const std::string text((std::istreambuf_iterator<char>(example)), {});
  ASSERT_FALSE(text.empty());
  auto config = Load(text);
  EXPECT_TRUE(config.ok()) << config.status();
}

struct BadFile {
  const char* find;
  const char* put;
  const char* message;
};

TEST_F(ConfigTest, EachMistakeIsNamed) {
  const BadFile kBad[] = {
      {"processes = 3", "proceses = 3", "hsm.proceses is not a key"},
      {"[hsm]", "[hms]\nx = 1\n[hsm]", "hms.x is not a key"},
      {"environment = \"development\"", "environment = \"test\"", "environment must be"},
      {"signing_listen = \"127.0.0.1:0\"", "signing_listen = \"127.0.0.1\"",
       "grpc.signing_listen must be HOST:PORT"},
      {"admin_listen = \"127.0.0.1:0\"", "admin_listen = \"127.0.0.1:70000\"",
       "grpc.admin_listen must be HOST:PORT"},
      {"[https]\nlisten = \"127.0.0.1:0\"\n", "[https]\n", "https.listen must be HOST:PORT"},
      {"[https]", "[metrics]\nlisten = \":1\"\n[https]", "metrics.listen must be HOST:PORT"},
      {"processes = 3", "processes = 0", "hsm.processes must be from 1"},
      {"processes = 3", "processes = \"3\"", "hsm.processes must be a number"},
      {"partition = \"partition\"\n", "", "hsm.partition or hsm.sockets"},
      {"client_ca = \"/etc/ca.pem\"\n", "", "grpc.client_ca is missing"},
      {"corp.example", "Corp.example", "grpc.trust_domain must be a SPIFFE trust domain"},
      {"partner.example", "a/b", "grpc.trust_domains must have name"},
      {"bundle = \"tls/partner.pem\"", "bundles = \"x\"", "grpc.trust_domains must have name"},
      {"[[grpc.trust_domains]]", "[grpc.trust_domains]", "grpc.trust_domains must be at most"},
      {"tls/jwks.key", "tls/server.key", "must not be the one of gRPC"},
      {"[store]", "[store", "server.toml:2:"},
  };
  for (const BadFile& bad : kBad) {
    const std::string error = Error(absl::StrReplaceAll(kGood, {{bad.find, bad.put}}));
    EXPECT_TRUE(absl::StrContains(error, bad.message)) << bad.put << "\n" << error;
    EXPECT_TRUE(absl::StrContains(error, "server.toml")) << error;
  }
}

TEST_F(ConfigTest, TenantsOwnPartitionsAreReadLikeTheSharedOne) {
  auto config = Load(absl::StrCat(kGood, R"([partitions.vault-b]
partition = "b"
binary = "hsm-b"
[partitions.vault-c]
sockets = ["c0.sock", "/run/c1.sock"]
)"));
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->partitions.size(), 2U);
  const Config::Hsm& b = config->partitions.at("vault-b");
  EXPECT_EQ(b.partition, (directory_ / "b").string());
  EXPECT_EQ(b.binary, (directory_ / "hsm-b").string());
  EXPECT_EQ(b.processes, 2);
  EXPECT_EQ(config->partitions.at("vault-c").sockets,
            (std::vector<std::string>{(directory_ / "c0.sock").string(), "/run/c1.sock"}));
}

// One token under two names would put two tenants' keys into one HSM that was
// promised to one of them.
TEST_F(ConfigTest, APartitionIsNobodyElses) {
  std::filesystem::create_directory(directory_ / "partition");
  std::filesystem::create_directory_symlink("partition", directory_ / "link");
  for (const char* path : {"partition", "./partition", "partition/", "x/../partition", "link"}) {
    const std::string error =
        Error(absl::StrCat(kGood, "[partitions.b]\npartition = \"", path, "\"\n"));
    EXPECT_TRUE(absl::StrContains(error, "partitions.b.partition names what is hsm's")) << error;
  }
  const std::string error = Error(absl::StrCat(kGood, R"([partitions.b]
sockets = ["one", "two"]
[partitions.c]
sockets = ["three", "./two"]
)"));
  EXPECT_TRUE(absl::StrContains(error, "partitions.c.sockets names what is partitions.b's"))
      << error;
}

TEST_F(ConfigTest, EachMistakeInAPartitionIsNamed) {
  const struct {
    const char* text;
    const char* message;
  } kBad[] = {
      {"[partitions.b]\n", "partitions.b.partition or partitions.b.sockets"},
      {"[partitions.b]\npartition = \"b\"\nprocesses = 0", "partitions.b.processes must be from 1"},
      {"[partitions.b]\npartition = \"b\"\npin = \"1\"", "partitions.b.pin is not a key"},
      {"[partitions.b.c]\npartition = \"b\"", "partitions.b.partition or"},
      {"[partitions.default]\npartition = \"b\"", "partitions.default is no name"},
      {"[partitions.B]\npartition = \"b\"", "partitions.B is no name"},
      {"[partitions.\"a.b\"]\npartition = \"b\"", "partitions.a.b is no name"},
      {"[partitions.b-]\npartition = \"b\"", "partitions.b- is no name"},
      {"[partitions]\nb = \"b\"", "partitions.b is not a key"},
      {"[[partitions]]\npartition = \"b\"", "partitions is not a key"},
  };
  for (const auto& bad : kBad) {
    const std::string error = Error(absl::StrCat(kGood, bad.text));
    EXPECT_TRUE(absl::StrContains(error, bad.message)) << bad.text << "\n" << error;
  }
}

TEST_F(ConfigTest, TheNumberOfPartitionsIsLimited) {
  std::string text = kGood;
  for (int i = 0; i < hsm_client::kMaxOwnPartitions; ++i) {
    absl::StrAppend(&text, "[partitions.p", i, "]\npartition = \"p", i, "\"\n");
  }
  EXPECT_TRUE(Load(text).ok());
  const std::string error = Error(absl::StrCat(text, "[partitions.more]\npartition = \"more\"\n"));
  EXPECT_TRUE(absl::StrContains(error, "partitions must be at most 16")) << error;
}

TEST_F(ConfigTest, AMissingFileSaysHowToGiveOne) {
  auto config = LoadConfig((directory_ / "none.toml").string(), "");
  EXPECT_TRUE(absl::StrContains(config.status().message(), "--config")) << config.status();
}

}  // namespace
}  // namespace sealward::app
