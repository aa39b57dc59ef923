#include "tests/unit/catalog/catalog_fixture.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/jwk.h"

namespace sealward::catalog {

std::string NewSpki() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  std::string spki(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return spki;
}

Tenant MakeTenant(const std::string& id) {
  Tenant tenant;
  tenant.name = absl::StrCat("tenants/", id);
  tenant.display_name = absl::StrCat("The ", id);
  tenant.create_time = kStart;
  return tenant;
}

Issuer MakeIssuer(const std::string& tenant, const std::string& id, bool shared) {
  Issuer issuer;
  issuer.name = absl::StrCat("tenants/", tenant, "/issuers/", id);
  issuer.issuer_url = absl::StrCat("https://", id, ".example/", tenant);
  issuer.max_age = absl::Seconds(300);
  issuer.propagation_time = absl::Minutes(20);
  issuer.shared = shared;
  issuer.create_time = kStart;
  return issuer;
}

Key MakeKey(std::shared_ptr<const Issuer> issuer, const std::string& id) {
  Key key;
  key.name = absl::StrCat(issuer->name.substr(0, issuer->name.find("/issuers/")), "/keys/", id);
  key.purpose = v1::KEY_PURPOSE_JWT;
  key.issuer = std::move(issuer);
  key.audiences = {"https://api.example", "other"};
  key.typs = {"JWT", "at+jwt"};
  key.max_jwt_lifetime = absl::Hours(1);
  key.algorithm = FindAlgorithm(v1::ALGORITHM_ES256);
  key.create_time = kStart;
  key.last_version = 1;
  return key;
}

KeyVersion MakePending(int64_t number) {
  KeyVersion version;
  version.number = number;
  version.object_id = absl::StrCat("0123456789abcde", number % 10);
  version.algorithm = FindAlgorithm(v1::ALGORITHM_ES256);
  version.create_time = kStart;
  return version;
}

KeyVersion Completed(const KeyVersion& pending, const lifecycle::VersionTimes& times) {
  KeyVersion version = pending;
  version.spki = NewSpki();
  version.jwk = *JwkFromSpki(*version.algorithm, version.spki);
  version.times = times;
  return version;
}

RoleBinding MakeBinding(const std::string& parent, const std::string& id,
                        const std::string& principal, v1::Role role) {
  RoleBinding binding;
  binding.name = absl::StrCat(parent, parent.empty() ? "" : "/", "roleBindings/", id);
  binding.tenant = parent;
  binding.principal = principal;
  binding.role = role;
  binding.create_time = kStart;
  return binding;
}

namespace {

std::string DescribeVersion(const KeyVersion& version) {
  const auto& t = version.times;
  return absl::StrCat("  version ", version.number, " ", version.algorithm->name, " ",
                      absl::CHexEscape(version.object_id), " ", absl::CHexEscape(version.spki), " ",
                      version.jwk.ShortDebugString(), " ", absl::FormatTime(version.create_time),
                      " ", absl::FormatTime(t.publish), " ", absl::FormatTime(t.standby), " ",
                      absl::FormatTime(t.activate), " ", absl::FormatTime(t.retire), " ",
                      absl::FormatTime(t.withdraw), " ",
                      absl::StrJoin(version.header_segments, ","), "\n");
}

std::string DescribeIssuer(const Issuer& issuer) {
  return absl::StrCat(
      issuer.issuer_url, " ", absl::FormatDuration(issuer.max_age), " ",
      absl::FormatDuration(issuer.propagation_time), " ", issuer.shared, " ",
      absl::FormatTime(issuer.create_time), " ", absl::FormatTime(issuer.first_publish_time), " ",
      absl::FormatTime(issuer.earlier_promise_until), " @", issuer.mod_revision, "\n");
}

std::string DescribeKey(const Key& key) {
  std::string text = absl::StrCat(
      key.purpose, " ", key.issuer->name, " ", DescribeIssuer(*key.issuer), "  ",
      absl::StrJoin(key.audiences, ","), " ", absl::StrJoin(key.typs, ","), " ",
      absl::FormatDuration(key.max_jwt_lifetime), " ", key.algorithm->name, " ",
      absl::FormatTime(key.create_time), " ", key.last_version, " @", key.mod_revision, "\n");
  for (const auto& version : key.versions) text += DescribeVersion(*version);
  return text;
}

}  // namespace

std::string Describe(const Snapshot& snapshot) {
  std::map<std::string, std::string> lines;
  for (const auto& [name, tenant] : snapshot.tenants) {
    lines[name] =
        absl::StrCat(tenant->name, " ", tenant->display_name, " ",
                     absl::FormatTime(tenant->create_time), " @", tenant->mod_revision, "\n");
  }
  for (const auto& [name, issuer] : snapshot.issuers) lines[name] = DescribeIssuer(*issuer);
  for (const auto& [name, key] : snapshot.keys) lines[name] = DescribeKey(*key);
  for (const auto& [name, keys] : snapshot.keys_of_issuer) {
    std::string& line = lines["keys of " + name];
    for (const auto& key : keys) absl::StrAppend(&line, key->name, " ", DescribeKey(*key));
  }
  for (const auto& [principal, bindings] : snapshot.bindings) {
    std::string& line = lines["bindings of " + principal];
    for (const auto& binding : bindings) {
      absl::StrAppend(&line, binding->name, " ", binding->tenant, " ", binding->principal, " ",
                      v1::Role_Name(binding->role), " ", absl::FormatTime(binding->create_time),
                      " @", binding->mod_revision, "\n");
    }
  }
  for (const auto& [name, binding] : snapshot.bindings_by_name) {
    lines["binding " + name] = absl::StrCat("of ", binding->principal);
  }
  // Not whose they are: the fixture's ids repeat.
  for (const auto& [kid, version] : snapshot.versions_by_kid) lines["kid " + kid];
  for (const auto& [id, version] : snapshot.versions_by_object_id) lines["object " + id];
  for (const auto& [partition, revision] : snapshot.key_revisions) {
    lines["keys of partition " + partition] = absl::StrCat("@", revision);
  }
  std::string text;
  for (const auto& [name, line] : lines) absl::StrAppend(&text, name, ": ", line, "\n");
  return text;
}

CatalogTest::CatalogTest() {
  // In memory where there is such a place: nothing here is about the disk, and
  // the random tests commit some thousand times.
  const std::filesystem::path memory = "/dev/shm";
  const bool has_memory = std::filesystem::is_directory(memory);
  directory_ =
      ((has_memory ? memory : std::filesystem::temp_directory_path()) / "catalog.XXXXXX").string();
  EXPECT_NE(mkdtemp(directory_.data()), nullptr);
  auto opened =
      store::SqliteStore::Open(directory_ + "/store.db", store::SqliteStore::Mode::kCreate, &clock_,
                               {.kept_revisions = 50, .max_pages = 0});
  EXPECT_TRUE(opened.ok()) << opened.status();
  store_ = *std::move(opened);
  auto loaded = Load();
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  catalog_ = *std::move(loaded);
}

CatalogTest::~CatalogTest() {
  catalog_ = nullptr;
  store_ = nullptr;
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void CatalogTest::Do(const store::Transaction& transaction) {
  const auto done = catalog_->Commit(transaction);
  ASSERT_TRUE(done.ok()) << done.status();
}

void CatalogTest::WriteRaw(const std::string& store_key, std::optional<std::string> value) {
  const auto done = store_->Commit({{}, {{store_key, std::move(value)}}});
  ASSERT_TRUE(done.ok()) << done.status();
}

std::shared_ptr<const Tenant> CatalogTest::AddTenant(const std::string& id) {
  Do(CreateTenant(MakeTenant(id)));
  return Now()->tenants.at("tenants/" + id);
}

std::shared_ptr<const Issuer> CatalogTest::AddIssuer(const std::string& id, bool shared) {
  Do(CreateIssuer(*Now()->tenants.at("tenants/acme"), MakeIssuer("acme", id, shared)));
  return Now()->issuers.at("tenants/acme/issuers/" + id);
}

std::shared_ptr<const Key> CatalogTest::AddKey(const std::string& id) {
  Do(CreateKey(MakeKey(Now()->issuers.at("tenants/acme/issuers/main"), id), MakePending(1)));
  return GetKey(id);
}

std::shared_ptr<const Key> CatalogTest::GetKey(const std::string& id) {
  return Now()->keys.at("tenants/acme/keys/" + id);
}

}  // namespace sealward::catalog
