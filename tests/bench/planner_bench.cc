// What the lifecycle costs where there are many keys: start-up, a pass of the driver
// with nothing due, and one with ten keys due, with many versions in the store and with
// few. The store is real SQLite; the partition does not answer, so that only the
// planner's own work is timed.
//
//   planner_bench VERSIONS    prints one JSON object, times in milliseconds of CPU
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/jwk.h"
#include "server/catalog/layout.h"
#include "server/catalog/records.h"
#include "tests/fakes/key_rig.h"

namespace sealward {
namespace {

constexpr int kVersionsPerKey = 4;
constexpr int kKeysPerTransaction = 18;  // a transaction holds 128 operations
constexpr int kDueKeys = 10;
constexpr absl::Duration kPeriod = absl::Hours(30 * 24);
// The due keys become due this long after the start: before anything periodic.
constexpr absl::Duration kUntilDue = absl::Seconds(5);

// WITHDRAWN, VERIFY_ONLY, ACTIVE, STANDBY: a key in the middle of its life.
std::vector<lifecycle::VersionTimes> TimesOfKey(absl::Time now, absl::Time next_switch) {
  const absl::Time active = next_switch - kPeriod;
  lifecycle::VersionTimes withdrawn{active - 2 * kPeriod, active - 2 * kPeriod,
                                    active - 2 * kPeriod, active - kPeriod, active};
  lifecycle::VersionTimes verify_only{active - kPeriod, active - kPeriod, active - kPeriod, active,
                                      now + absl::Hours(24)};
  lifecycle::VersionTimes signing{active - kPeriod, active - kPeriod, active};
  lifecycle::VersionTimes standby{active, active + absl::Hours(1)};
  return {withdrawn, verify_only, signing, standby};
}

// PublicKeys makes real public keys, all different, faster than key pairs: G, 2G, 3G and so on.
class PublicKeys {
 public:
  PublicKeys() : point_(EC_POINT_dup(EC_GROUP_get0_generator(group_), group_)) {}
  ~PublicKeys() { EC_POINT_free(point_); }
  PublicKeys(const PublicKeys&) = delete;
  PublicKeys& operator=(const PublicKeys&) = delete;

  // The next one, as the version's.
  void Next(catalog::KeyVersion& version) {
    std::string der = absl::HexStringToBytes(
        "3059301306072a8648ce3d020106082a8648ce3d030107034200");  // RFC 5480, P-256
    std::array<unsigned char, 65> octets{};
    const size_t size = EC_POINT_point2oct(group_, point_, POINT_CONVERSION_UNCOMPRESSED,
                                           octets.data(), octets.size(), nullptr);
    der.append(reinterpret_cast<const char*>(octets.data()), size);
    EC_POINT_add(group_, point_, point_, EC_GROUP_get0_generator(group_), nullptr);
    version.jwk = *JwkFromCheckedSpki(*version.algorithm, der);
    version.spki = std::move(der);
  }

 private:
  EC_GROUP* const group_ = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  EC_POINT* const point_;
};

void Fill(fakes::KeyRig& rig, int keys) {
  rig.AddTenantAndIssuer();
  const absl::Time now = rig.clock.Now();
  catalog::Key key;
  key.purpose = v1::KEY_PURPOSE_JWT;
  catalog::Issuer issuer = *rig.catalog->Get()->issuers.at(fakes::kIssuer);
  key.audiences = {"mail"};
  key.typs = {"JWT"};
  key.max_jwt_lifetime = absl::Hours(1);
  key.algorithm = FindAlgorithm(v1::ALGORITHM_ES256);
  key.rotation_policy.rotation_period = kPeriod;
  key.create_time = now;
  key.last_version = kVersionsPerKey;
  key.name = fakes::kKey;
  catalog::KeyVersion version;
  version.algorithm = key.algorithm;
  version.create_time = now;
  PublicKeys public_keys;
  int64_t id = 0;
  store::Transaction transaction;
  for (int k = 0; k < keys; ++k) {
    key.name = absl::StrCat(fakes::kTenant, "/keys/k", k);
    issuer.name = absl::StrCat(fakes::kTenant, "/issuers/i", k);
    issuer.issuer_url = absl::StrCat("https://issuer.example/", k);
    key.issuer = std::make_shared<const catalog::Issuer>(issuer);
    transaction.operations.push_back(
        {catalog::IssuerRecordKey(issuer.name), catalog::SerializeIssuer(issuer)});
    transaction.operations.push_back(
        {catalog::IssuerUrlRecordKey(issuer.issuer_url), catalog::SerializeIssuerUrl(issuer.name)});
    transaction.operations.push_back({catalog::KeyRecordKey(key.name), catalog::SerializeKey(key)});
    // Most switches lie days ahead, each at a time of its own.
    const absl::Time next =
        k < kDueKeys ? now + kUntilDue : now + absl::Hours(24) + k * absl::Seconds(60);
    int64_t number = 0;
    for (const lifecycle::VersionTimes& times : TimesOfKey(now, next)) {
      version.number = ++number;
      public_keys.Next(version);
      version.times = times;
      const std::string digits = absl::StrCat(++id);
      version.object_id = std::string(16 - digits.size(), '0') + digits;
      transaction.operations.push_back({catalog::VersionRecordKey(key.name, version.number),
                                        catalog::SerializeVersion(version)});
    }
    if ((k + 1) % kKeysPerTransaction != 0 && k + 1 != keys) continue;
    if (!rig.store->Commit(transaction).ok()) std::abort();
    transaction = {};
  }
}

// Of CPU: what else the machine does, and its disk, say nothing about the planner.
template <typename Work>
double Milliseconds(Work work) {
  const auto cpu_now = [] {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return absl::DurationFromTimespec(now);
  };
  const absl::Duration begin = cpu_now();
  work();
  return absl::ToDoubleMilliseconds(cpu_now() - begin);
}

// The reference of start-up: reading the same records from the same store.
double ReadAll(fakes::KeyRig& rig) {
  return Milliseconds([&rig] {
    std::string last;
    for (;;) {
      const auto page = rig.store->List(catalog::kCatalogPrefix, last, store::kMaxListLimit);
      if (!page.ok()) std::abort();
      if (page->entries.empty()) return;
      last = page->entries.back().key;
      if (!page->more) return;
    }
  });
}

int Run(int versions) {
  fakes::KeyRig rig;
  Fill(rig, versions / kVersionsPerKey);
  rig.Stop();
  const double start = Milliseconds([&rig] { rig.Boot(store::SqliteStore::Mode::kExisting); });
  const double read = ReadAll(rig);
  rig.partition.SetAvailable(false);
  const double first = Milliseconds([&rig] { rig.driver->RunPass(); });
  const double idle = Milliseconds([&rig] { rig.driver->RunPass(); });
  rig.clock.Advance(kUntilDue);
  const double due = Milliseconds([&rig] { rig.driver->RunPass(); });
  int switched = 0;
  for (int k = 0; k < kDueKeys; ++k) {
    const auto key = rig.Key(absl::StrCat(fakes::kTenant, "/keys/k", k));
    const auto signing =
        lifecycle::SigningVersionAt(catalog::TimesOf(*key), rig.clock.Now() + absl::Hours(1));
    if (signing == size_t{kVersionsPerKey - 1}) ++switched;
  }
  std::printf(
      "{\"versions\": %d, \"start_ms\": %.3f, \"read_ms\": %.3f, \"first_pass_ms\": %.3f, "
      "\"idle_pass_ms\": %.3f, \"due_pass_ms\": %.3f, \"switched\": %d}\n",
      versions, start, read, first, idle, due, switched);
  return switched == kDueKeys ? 0 : 1;
}

}  // namespace
}  // namespace sealward

int main(int argc, char** argv) {
  int versions = 0;
  if (argc != 2 || !absl::SimpleAtoi(argv[1], &versions) || versions < 40 || versions % 4 != 0) {
    std::fprintf(stderr, "usage: planner_bench VERSIONS (a multiple of 4, at least 40)\n");
    return 2;
  }
  return sealward::Run(versions);
}
