// Validators with the caches of INTEROP, each in its worst phase: for every class and
// every change of the JWKS there is one that fetched just before the change.
//
// Left out: validators that break their own promise; a miss that somebody else's kid
// causes (it only fetches sooner); a miss behind a shared cache (no class of such a
// profile fetches on one); retries of failed fetches.
#ifndef SEALWARD_TESTS_SIM_VALIDATORS_H_
#define SEALWARD_TESTS_SIM_VALIDATORS_H_

#include <vector>

#include "absl/time/time.h"
#include "server/lifecycle/profiles.h"
#include "tests/sim/store.h"

namespace sealward::sim {

// CachedJwks is what one validator has.
struct CachedJwks {
  const lifecycle::CacheClass* cache;
  PairSet keys;
  absl::Time fetched;
  absl::Time expires;  // InfiniteFuture: never, but for a miss
  absl::Time fetches_on_miss_from;
};

class Validators {
 public:
  // The JWKS, promised as in `issuer`, was `before` until `now`. A fetch just before
  // arrives up to `latency` later.
  void JwksChanges(const StoredIssuer& issuer, PairSet before, absl::Time now,
                   absl::Duration latency);
  // The issuer now counts on these caches as well: of each of them there is one that
  // fetched `keys` at `fetched`.
  void Join(const lifecycle::ValidatorProfile& profile, absl::Duration max_age, PairSet keys,
            absl::Time fetched);

  // Everybody is shown JWTs of `kids`. Those that one of them refuses.
  PairSet Show(PairSet kids, absl::Time now);

  // Until when a JWT of the pair may be accepted by caches of the profile that end by
  // themselves.
  absl::Time TrustedUntil(const lifecycle::ValidatorProfile& profile, PairId pair) const;
  // Whether a cache that only a miss ends holds the pair.
  bool AwaitsMiss(PairId pair) const;

  void Clear() { caches_.clear(); }

 private:
  std::vector<CachedJwks> caches_;
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_VALIDATORS_H_
