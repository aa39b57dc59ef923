#include "tests/sim/validators.h"

#include <algorithm>

namespace sealward::sim {
namespace {

constexpr absl::Time kNever = absl::InfiniteFuture();

bool OnlyAMissEndsIt(const lifecycle::CacheClass& cache) {
  return cache.kept_until_miss || cache.ttl == absl::InfiniteDuration();
}

CachedJwks Fetched(const lifecycle::CacheClass& cache, absl::Duration max_age, PairSet keys,
                   absl::Time at) {
  const absl::Duration ttl = cache.follows_max_age ? max_age : cache.ttl;
  CachedJwks cached = {&cache, keys, at, OnlyAMissEndsIt(cache) ? kNever : at + ttl, kNever};
  if (cache.refetches_on_miss) {
    cached.fetches_on_miss_from = at + (cache.kept_until_miss ? ttl : cache.miss_cooldown);
  }
  return cached;
}

}  // namespace

void Validators::Join(const lifecycle::ValidatorProfile& profile, absl::Duration max_age,
                      PairSet keys, absl::Time fetched) {
  for (const lifecycle::CacheClass& cache : profile.classes) {
    CachedJwks cached = Fetched(cache, max_age, keys, fetched);
    // Of those that only a miss ends, the one that may fetch last stands for all.
    const auto same = std::ranges::find_if(caches_, [&](const CachedJwks& other) {
      return other.cache == &cache && other.keys == keys && cached.expires == kNever;
    });
    if (same == caches_.end()) {
      caches_.push_back(cached);
    } else if (same->fetches_on_miss_from < cached.fetches_on_miss_from) {
      *same = cached;
    }
  }
}

void Validators::JwksChanges(const StoredIssuer& issuer, PairSet before, absl::Time now,
                             absl::Duration latency) {
  const absl::Duration shared =
      issuer.profile->shared_cache ? issuer.max_age : absl::ZeroDuration();
  Join(*issuer.profile, issuer.max_age, before, now + shared + latency);
}

PairSet Validators::Show(PairSet kids, absl::Time now) {
  PairSet refused = 0;
  std::erase_if(caches_, [&](const CachedJwks& cached) {
    if (cached.expires <= now) return true;
    const PairSet missing = kids & ~cached.keys;
    if (missing == 0 || now < cached.fetched) return false;
    if (cached.fetches_on_miss_from <= now) return true;
    refused |= missing;
    return false;
  });
  return refused;
}

absl::Time Validators::TrustedUntil(const lifecycle::ValidatorProfile& profile, PairId pair) const {
  absl::Time until = absl::InfinitePast();
  for (const CachedJwks& cached : caches_) {
    if ((cached.keys & Only(pair)) == 0 || cached.expires == kNever) continue;
    // Those of an earlier profile are what an answer does not speak of.
    const auto& classes = profile.classes;
    if (std::ranges::none_of(classes, [&](const auto& cache) { return &cache == cached.cache; })) {
      continue;
    }
    until = std::max(until, cached.expires);
  }
  return until;
}

bool Validators::AwaitsMiss(PairId pair) const {
  return std::ranges::any_of(caches_, [pair](const CachedJwks& cached) {
    return (cached.keys & Only(pair)) != 0 && cached.expires == kNever;
  });
}

}  // namespace sealward::sim
