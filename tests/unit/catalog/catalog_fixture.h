// A catalog on a SQLite store, with real public keys.
#ifndef SEALWARD_TESTS_UNIT_CATALOG_CATALOG_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_CATALOG_CATALOG_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/catalog/access_mutations.h"
#include "server/catalog/access_records.h"
#include "server/catalog/catalog.h"
#include "server/catalog/mutations.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/manual_clock.h"

namespace sealward::catalog {

inline const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

// A fresh P-256 public key (DER SubjectPublicKeyInfo).
std::string NewSpki();

Tenant MakeTenant(const std::string& id);
Issuer MakeIssuer(const std::string& tenant, const std::string& id, bool shared = false);
// A key with last_version 1.
Key MakeKey(std::shared_ptr<const Issuer> issuer, const std::string& id);
KeyVersion MakePending(int64_t number);
// The version with a new public key and these times.
KeyVersion Completed(const KeyVersion& pending, const lifecycle::VersionTimes& times);
RoleBinding MakeBinding(const std::string& parent, const std::string& id,
                        const std::string& principal, v1::Role role);

// Everything in the snapshot but its revision, as text to compare.
std::string Describe(const Snapshot& snapshot);

// CatalogTest has an empty store with a catalog on it.
class CatalogTest : public testing::Test {
 public:
  ~CatalogTest() override;

 protected:
  CatalogTest();

  store::Store& store() { return *store_; }
  Catalog& catalog() { return *catalog_; }
  std::shared_ptr<const Snapshot> Now() { return catalog_->Get(); }
  // Loads a second catalog from the same store.
  absl::StatusOr<std::unique_ptr<Catalog>> Load() { return Catalog::Load(store_.get()); }

  // Commits through the catalog; the test fails if that does.
  void Do(const store::Transaction& transaction);
  // Writes past the catalog, as another server would.
  void WriteRaw(const std::string& store_key, std::optional<std::string> value);

  // tenants/acme with issuers/main (and keys/k), as the catalog then has them.
  std::shared_ptr<const Tenant> AddTenant(const std::string& id = "acme");
  std::shared_ptr<const Issuer> AddIssuer(const std::string& id = "main", bool shared = false);
  std::shared_ptr<const Key> AddKey(const std::string& id = "k");
  // The key as the catalog has it now.
  std::shared_ptr<const Key> GetKey(const std::string& id = "k");

 private:
  fakes::ManualClock clock_;
  std::string directory_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_TESTS_UNIT_CATALOG_CATALOG_FIXTURE_H_
