// What is known about validators' caches, as data. Sources and measurements are in
// INTEROP: run against the real program, read in its source or its documents.
#ifndef SEALWARD_SERVER_LIFECYCLE_PROFILES_H_
#define SEALWARD_SERVER_LIFECYCLE_PROFILES_H_

#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::lifecycle {

// CacheClass is how one kind of validator keeps an issuer's keys.
struct CacheClass {
  absl::string_view validators;  // for people
  // From a fetch until the next one without a miss; InfiniteDuration: never.
  absl::Duration ttl;
  // Whether its ttl is the served max-age instead.
  bool follows_max_age;
  // Whether a kid that it does not have makes it fetch, and how long after its last
  // fetch at the earliest.
  bool refetches_on_miss;
  absl::Duration miss_cooldown;
  // Whether it keeps what it has after its ttl too, until a miss; a miss before that
  // does not make it fetch.
  bool kept_until_miss = false;
};

// Profile is a set of validators that an issuer counts on, and what that asks for.
// The values of sealward.v1.ValidatorProfile.
enum class Profile : uint8_t { kDefault = 1, kAws = 2, kDotnet = 3, kIstioCdn = 4 };

struct ValidatorProfile {
  Profile profile;
  absl::string_view name;  // "default"
  // Of the slowest cache that does not fetch on a miss, or does too late.
  absl::Duration longest_cache;
  // Whether a shared cache that keeps the JWKS for max_age stands in front of them.
  bool shared_cache;
  int max_jwks_keys;
  std::span<const CacheClass> classes;
};

// Every profile; never empty.
std::span<const ValidatorProfile> AllProfiles();
const ValidatorProfile& FindProfile(Profile profile);

// How long a key must be published before it signs: max_age where a shared cache
// keeps it, then the longest client cache, and a minute for commit and fetch.
absl::Duration PropagationTime(const ValidatorProfile& profile, absl::Duration max_age);

// Until when a validator of this class may trust a key that was withdrawn at
// `withdrawn` (and fetched a minute later, as above) without a kid that it does not have;
// InfiniteFuture if for ever. What was fetched under an earlier, longer promise is kept longer:
// CachePolicy::earlier_promise_until.
absl::Time TrustedUntil(const ValidatorProfile& profile, const CacheClass& cache,
                        absl::Duration max_age, absl::Time withdrawn);

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_PROFILES_H_
