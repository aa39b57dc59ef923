// Issuers and keys with times as arguments, and a clock that the test moves.
#ifndef SEALWARD_TESTS_UNIT_PUBLISH_CATALOG_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_PUBLISH_CATALOG_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/algorithms.h"
#include "common/clock.h"
#include "server/catalog/snapshot.h"

namespace sealward::publish::testing {

inline const absl::Time kStart = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01T00:00:00Z
inline constexpr absl::string_view kIssuerName = "tenants/acme/issuers/main";

// ManualClock stands still until it is set.
class ManualClock final : public Clock {
 public:
  absl::Time Now() const override {
    const absl::MutexLock lock(&mu_);
    return now_;
  }
  void Set(absl::Time now) {
    const absl::MutexLock lock(&mu_);
    now_ = now;
  }

 private:
  mutable absl::Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_) = kStart;
};

inline catalog::Issuer MakeIssuer(bool shared = false) {
  catalog::Issuer issuer;
  issuer.name = std::string(kIssuerName);
  issuer.issuer_url = "https://id.example.com/acme";
  issuer.max_age = absl::Seconds(300);
  issuer.propagation_time = absl::Minutes(20);
  issuer.shared = shared;
  return issuer;
}

// Times in minutes after kStart; -1: not planned.
inline lifecycle::VersionTimes Times(int publish, int standby = -1, int activate = -1,
                                     int retire = -1, int withdraw = -1) {
  const auto at = [](int minutes) {
    return minutes < 0 ? absl::InfiniteFuture() : kStart + absl::Minutes(minutes);
  };
  return {at(publish), at(standby), at(activate), at(retire), at(withdraw)};
}

inline catalog::KeyVersion MakeVersion(int64_t number, const std::string& kid,
                                       lifecycle::VersionTimes times,
                                       v1::Algorithm algorithm = v1::ALGORITHM_ES256) {
  catalog::KeyVersion version;
  version.number = number;
  version.object_id = std::string(16, 'o');
  version.algorithm = FindAlgorithm(algorithm);
  version.spki = "spki";
  version.jwk.set_kty(std::string(version.algorithm->kty));
  version.jwk.set_crv(std::string(version.algorithm->crv));
  version.jwk.set_kid(kid);
  version.jwk.set_alg(std::string(version.algorithm->jose_alg));
  version.jwk.set_use("sig");
  if (version.algorithm->key_type == KeyType::kRsa) {
    version.jwk.set_n("N-" + kid);
    version.jwk.set_e("AQAB");
  } else {
    version.jwk.set_x("X-" + kid);
    if (version.algorithm->key_type == KeyType::kEc) version.jwk.set_y("Y-" + kid);
  }
  version.times = times;
  return version;
}

inline std::shared_ptr<const catalog::Key> MakeKey(const std::string& id,
                                                   std::vector<catalog::KeyVersion> versions,
                                                   std::vector<std::string> audiences = {"api"}) {
  auto key = std::make_shared<catalog::Key>();
  key->name = absl::StrCat("tenants/acme/keys/", id);
  key->purpose = v1::KEY_PURPOSE_JWT;
  key->audiences = std::move(audiences);
  for (catalog::KeyVersion& version : versions) {
    key->versions.push_back(std::make_shared<const catalog::KeyVersion>(std::move(version)));
  }
  return key;
}

using Keys = std::vector<std::shared_ptr<const catalog::Key>>;

inline std::shared_ptr<const catalog::Snapshot> MakeSnapshot(int64_t revision,
                                                             const catalog::Issuer& issuer,
                                                             Keys keys) {
  auto snapshot = std::make_shared<catalog::Snapshot>();
  snapshot->revision = revision;
  snapshot->issuers[issuer.name] = std::make_shared<const catalog::Issuer>(issuer);
  snapshot->keys_of_issuer[issuer.name] = std::move(keys);
  return snapshot;
}

}  // namespace sealward::publish::testing

#endif  // SEALWARD_TESTS_UNIT_PUBLISH_CATALOG_FIXTURE_H_
