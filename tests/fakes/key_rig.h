// A server without its edge: real SQLite store, catalog and key manager over a
// fake partition and a clock that tests move.
#ifndef SEALWARD_TESTS_FAKES_KEY_RIG_H_
#define SEALWARD_TESTS_FAKES_KEY_RIG_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/catalog/access_mutations.h"
#include "server/catalog/catalog.h"
#include "server/catalog/mutations.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/drivers.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/quarantine.h"
#include "server/lifecycle/reconcile.h"
#include "server/store/sqlite_store.h"
#include "server/telemetry/metrics.h"
#include "tests/fakes/counting_store.h"
#include "tests/fakes/fake_partition.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/temp_dir.h"

namespace sealward::fakes {

inline constexpr char kTenant[] = "tenants/a";
inline constexpr char kIssuer[] = "tenants/a/issuers/main";
inline constexpr char kKey[] = "tenants/a/keys/web";
inline constexpr char kOwnPartition[] = "vault-b";
inline constexpr absl::Duration kPropagation = absl::Minutes(20);

// KeyRig owns all of it. The driver has no thread here: tests call RunPass.
struct KeyRig {
  KeyRig() { Boot(store::SqliteStore::Mode::kCreate); }

  // Ends the server and starts it again on the same store and partition.
  void Restart() {
    Stop();
    Boot(store::SqliteStore::Mode::kExisting);
  }

  void Stop() {
    driver = nullptr;
    drivers.reset();
    quarantine.reset();
    manager.reset();
    epochs.reset();
    catalog.reset();
    counted.reset();
    store.reset();
  }

  void Boot(store::SqliteStore::Mode mode) {
    store =
        *store::SqliteStore::Open(absl::StrCat(directory.path(), "/s/sealward.db"), mode, &clock);
    counted = std::make_unique<CountingStore>(store.get());
    catalog = *catalog::Catalog::Load(counted.get());
    epochs = std::make_unique<lifecycle::Epochs>(lifecycle::Epochs::Options{
        catalog.get(), &partitions, &clock, &metrics, [this](size_t count) {
          std::string lineage(count, 'l');
          const std::string number = absl::StrCat(++lineages);
          return lineage.replace(0, number.size(), number);
        }});
    if (!epochs->EnsureLineage().ok()) std::abort();
    for (const auto& each : partitions.all()) epochs->Verify(each.name).IgnoreError();
    lifecycle::KeyManager::Options options;
    options.catalog = catalog.get();
    options.partitions = &partitions;
    options.clock = &clock;
    options.metrics = &metrics;
    options.epochs = epochs.get();
    options.random = [this](size_t count) {
      std::string id(count, 'r');
      const std::string number = absl::StrCat(++ids);
      return id.replace(0, number.size(), number);
    };
    manager = std::make_unique<lifecycle::KeyManager>(options);
    quarantine = std::make_unique<lifecycle::Quarantine>(
        lifecycle::Quarantine::Options{.catalog = catalog.get(),
                                       .partitions = &partitions,
                                       .clock = &clock,
                                       .metrics = &metrics,
                                       .epochs = epochs.get(),
                                       .manager = manager.get()});
    drivers = std::make_unique<lifecycle::Drivers>(
        lifecycle::Drivers::Options{manager.get(), catalog.get(), &partitions, &clock, &metrics,
                                    &withheld, epochs.get(), quarantine.get()});
    driver = &drivers->At(hsm_client::kSharedPartition);
  }

  void AddTenant(const std::string& name, const std::string& partition_name = "") {
    catalog::Tenant tenant;
    tenant.name = name;
    tenant.partition = partition_name;
    tenant.create_time = clock.Now();
    Commit(catalog::CreateTenant(tenant));
  }

  void AddIssuer(const std::string& name, bool shared = false, int max_jwks_keys = 0) {
    catalog::Issuer issuer;
    issuer.name = name;
    issuer.issuer_url = absl::StrCat("https://issuer.example/", name);
    issuer.max_age = absl::Minutes(5);
    issuer.propagation_time = kPropagation;
    issuer.shared = shared;
    issuer.max_jwks_keys = max_jwks_keys;
    issuer.create_time = clock.Now();
    const std::string tenant = name.substr(0, name.find("/issuers/"));
    Commit(catalog::CreateIssuer(*catalog->Get()->tenants.at(tenant), issuer));
  }

  // kTenant with kIssuer.
  void AddTenantAndIssuer(bool shared = false) {
    AddTenant(kTenant);
    AddIssuer(kIssuer, shared);
  }

  void AddBinding(const std::string& name, const std::string& tenant, const std::string& principal,
                  v1::Role role) {
    catalog::RoleBinding binding;
    binding.name = name;
    binding.tenant = tenant;
    binding.principal = principal;
    binding.role = role;
    binding.create_time = clock.Now();
    const auto snapshot = catalog->Get();
    const catalog::Tenant* seen = tenant.empty() ? nullptr : snapshot->tenants.at(tenant).get();
    Commit(catalog::CreateBinding(seen, binding));
  }

  void Commit(const store::Transaction& transaction) {
    const auto revision = catalog->Commit(transaction);
    if (!revision.ok()) std::abort();
  }

  static lifecycle::NewKey NewKey(const std::string& name = kKey,
                                  const std::string& issuer = kIssuer) {
    lifecycle::NewKey key;
    key.name = name;
    key.issuer = issuer;
    key.audiences = {"mail"};
    key.typs = {"JWT"};
    key.max_jwt_lifetime = absl::Hours(1);
    key.algorithm = FindAlgorithm(v1::ALGORITHM_ES256);
    return key;
  }

  std::shared_ptr<const catalog::Key> Key(const std::string& name = kKey) const {
    return catalog->Get()->keys.at(name);
  }

  // The states of a key's versions, for example "ACTIVE STAGED".
  std::string States(const std::string& name = kKey) const {
    std::string states;
    for (const auto& version : Key(name)->versions) {
      absl::StrAppend(&states, states.empty() ? "" : " ",
                      lifecycle::StateName(lifecycle::StateAt(version->times, clock.Now())));
    }
    return states;
  }

  TempDir directory;
  ManualClock clock;
  FakePartition partition{&clock};      // the shared one
  FakePartition own_partition{&clock};  // called kOwnPartition
  hsm_client::Partitions partitions{
      {{std::string(hsm_client::kSharedPartition), &partition}, {kOwnPartition, &own_partition}}};
  telemetry::Metrics metrics{"test"};
  lifecycle::Withheld withheld;
  // The service's threads draw ids, too.
  std::atomic<int> ids = 0;
  std::atomic<int> lineages = 0;
  std::unique_ptr<store::SqliteStore> store;
  std::unique_ptr<CountingStore> counted;  // what the catalog reads and writes
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<lifecycle::Epochs> epochs;
  std::unique_ptr<lifecycle::KeyManager> manager;
  std::unique_ptr<lifecycle::Quarantine> quarantine;
  std::unique_ptr<lifecycle::Drivers> drivers;
  lifecycle::Driver* driver = nullptr;  // of the shared partition
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_KEY_RIG_H_
