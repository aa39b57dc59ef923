#include "server/lifecycle/profiles.h"

#include <algorithm>
#include <array>

namespace sealward::lifecycle {
namespace {

constexpr absl::Duration kNoTtl = absl::InfiniteDuration();
constexpr absl::Duration kNone = absl::ZeroDuration();
// Time for our commit to reach the JWKS, and for the fetch itself.
constexpr absl::Duration kFetchSafety = absl::Minutes(1);
constexpr int kManyKeys = 20;
constexpr int kAlbKeys = 10;  // AWS ALB takes no more (INTEROP)

constexpr CacheClass kJose = {"jose, jwks-rsa (10 min)", absl::Minutes(10), false, true,
                              absl::Seconds(30)};
constexpr CacheClass kEnvoy = {"Envoy jwt_authn (10 min, no refetch)", absl::Minutes(10), false,
                               false, kNone};
constexpr CacheClass kFiveMinutes = {"PyJWT, Spring Security (5 min)", absl::Minutes(5), false,
                                     true, kNone};
constexpr CacheClass kIstio = {"Istio (20 min)", absl::Minutes(20), false, false, kNone};
constexpr CacheClass kMissOnly = {"aws-jwt-verify, go-oidc (until a miss)", kNoTtl, false, true,
                                  absl::Seconds(10)};
constexpr CacheClass kMaxAge = {"jose4j (max-age)", kNone, true, true, kNone};
constexpr CacheClass kKube = {
    "kube-apiserver (until a miss after max-age)", kNone, true, true, kNone, true};
constexpr CacheClass kOneHour = {"mod_auth_openidc, API Gateway REST (1 h)", absl::Hours(1), false,
                                 true, kNone};
constexpr CacheClass kTwoHours = {"AWS API Gateway HTTP (2 h)", absl::Hours(2), false, false,
                                  kNone};
constexpr CacheClass kDotnetClass = {".NET IdentityModel (12 h)", absl::Hours(12), false, true,
                                     absl::Minutes(5)};

constexpr std::array kDefaultClasses = {kJose,   kEnvoy, kFiveMinutes, kIstio,
                                        kMaxAge, kKube,  kOneHour,     kMissOnly};
constexpr std::array kAwsClasses = {kOneHour, kTwoHours, kMissOnly};
constexpr std::array kDotnetClasses = {kDotnetClass};
constexpr std::array kIstioClasses = {kEnvoy, kIstio};

const std::array kProfiles = {
    ValidatorProfile{Profile::kDefault, "default", absl::Minutes(20), false, kManyKeys,
                     kDefaultClasses},
    ValidatorProfile{Profile::kAws, "aws", absl::Hours(2), false, kAlbKeys, kAwsClasses},
    // Its own refetch on a miss waits for 5 minutes and can be switched off: count on
    // the ordinary refresh alone.
    ValidatorProfile{Profile::kDotnet, "dotnet", absl::Hours(12), false, kManyKeys, kDotnetClasses},
    ValidatorProfile{Profile::kIstioCdn, "istio-cdn", absl::Minutes(20), true, kManyKeys,
                     kIstioClasses},
};

}  // namespace

std::span<const ValidatorProfile> AllProfiles() { return kProfiles; }

const ValidatorProfile& FindProfile(Profile profile) {
  const auto found = std::ranges::find(kProfiles, profile, &ValidatorProfile::profile);
  return found == kProfiles.end() ? kProfiles.front() : *found;
}

absl::Duration PropagationTime(const ValidatorProfile& profile, absl::Duration max_age) {
  if (profile.shared_cache) return max_age + profile.longest_cache + kFetchSafety;
  return std::max(max_age, profile.longest_cache) + kFetchSafety;
}

absl::Time TrustedUntil(const ValidatorProfile& profile, const CacheClass& cache,
                        absl::Duration max_age, absl::Time withdrawn) {
  if (cache.kept_until_miss) return absl::InfiniteFuture();
  const absl::Duration own = cache.follows_max_age ? max_age : cache.ttl;
  return withdrawn + own + (profile.shared_cache ? max_age : absl::ZeroDuration()) + kFetchSafety;
}

}  // namespace sealward::lifecycle
