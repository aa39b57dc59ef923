#include "server/api/exposure.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/api/conversion.h"
#include "server/lifecycle/forecast.h"
#include "server/lifecycle/profiles.h"
#include "server/lifecycle/state.h"

namespace sealward::api {
namespace {

using lifecycle::CacheClass;
using lifecycle::State;
using lifecycle::ValidatorProfile;
using lifecycle::VersionTimes;

constexpr absl::Time kNever = absl::InfiniteFuture();
// How much later than the propagation time a fresh version may sign.
constexpr absl::Duration kFreshSlack = absl::Hours(1);

const ValidatorProfile& ProfileOf(const catalog::Issuer& issuer) {
  return lifecycle::FindProfile(static_cast<lifecycle::Profile>(issuer.validator_profile));
}

// When caches could no longer fetch a version that is revoked at `now`; nullopt if
// they never could.
std::optional<absl::Time> LeftJwks(const VersionTimes& before, absl::Time now) {
  if (before.publish > now) return std::nullopt;
  return std::min({before.withdraw, before.publish_until, now});
}

int64_t NumberOf(const catalog::Key& key, size_t index) {
  if (index < key.versions.size()) return key.versions[index]->number;
  return key.last_version + 1 + static_cast<int64_t>(index - key.versions.size());
}

}  // namespace

v1::UntilFreshKid FreshKidOf(const catalog::Key& key, const lifecycle::KeyCourse& course,
                             absl::Time now) {
  const absl::Time until = now + course.cache.propagation_time + kFreshSlack;
  // What is published in the very instant of the revocation counts as known to caches.
  const lifecycle::Forecast forecast =
      lifecycle::ForecastKey(course, now + absl::Microseconds(1), until);
  v1::UntilFreshKid fresh;
  size_t index = course.versions.size();  // the next that is asked for
  const auto is_fresh = [&](size_t i) { return forecast.versions[i].publish > now; };
  for (size_t i = course.versions.size(); i > 0; --i) {
    if (lifecycle::CanFollow(course.versions[i - 1], now) && is_fresh(i - 1)) index = i - 1;
  }
  for (const lifecycle::ForecastEvent& event : forecast.events) {
    if (event.state != State::kActive || !is_fresh(event.version)) continue;
    index = event.version;
    *fresh.mutable_planned_time() = ToTimestamp(event.time);
    break;
  }
  fresh.set_version(absl::StrCat(key.name, "/versions/", NumberOf(key, index)));
  if (index < key.versions.size()) fresh.set_kid(key.versions[index]->jwk.kid());
  return fresh;
}

std::vector<v1::Exposure> ExposuresOf(const catalog::Issuer& issuer, const VersionTimes& before,
                                      const v1::UntilFreshKid& fresh, absl::Time now) {
  std::vector<v1::Exposure> exposures;
  const std::optional<absl::Time> left = LeftJwks(before, now);
  if (!left) return exposures;
  if (issuer.name.empty()) {
    v1::Exposure& exposure = exposures.emplace_back();
    exposure.set_validators("whoever has the public key of this RAW key, until you tell them");
    exposure.set_unbounded(true);
    return exposures;
  }
  const ValidatorProfile& profile = ProfileOf(issuer);
  for (const CacheClass& cache : profile.classes) {
    const absl::Time until = lifecycle::TrustedUntil(profile, cache, issuer.max_age, *left);
    if (until <= now) continue;
    v1::Exposure& exposure = exposures.emplace_back();
    exposure.set_validators(std::string(cache.validators));
    if (until != kNever) {
      *exposure.mutable_until() = ToTimestamp(until);
    } else if (cache.refetches_on_miss) {
      *exposure.mutable_until_fresh_kid() = fresh;
    } else {
      exposure.set_unbounded(true);
    }
  }
  return exposures;
}

std::vector<std::string> RefusedBy(const catalog::Issuer& issuer, absl::Time published,
                                   absl::Time now) {
  std::vector<std::string> refused;
  if (issuer.name.empty()) {
    if (published + issuer.propagation_time <= now) return refused;
    return {"whoever does not have the new public key of this RAW key yet"};
  }
  const ValidatorProfile& profile = ProfileOf(issuer);
  for (const CacheClass& cache : profile.classes) {
    absl::Time until = lifecycle::TrustedUntil(profile, cache, issuer.max_age, published);
    if (cache.refetches_on_miss) {
      // It fetches, but not at once, and from a shared cache that may be older.
      until = now + cache.miss_cooldown;
      if (profile.shared_cache) until = std::max(until, published + issuer.max_age);
    }
    if (until <= now) continue;
    refused.push_back(absl::StrCat(
        cache.validators, ": ",
        until == kNever ? "until it is restarted"
                        : absl::StrCat("until ", absl::FormatTime(absl::RFC3339_sec, until,
                                                                  absl::UTCTimeZone()))));
  }
  return refused;
}

}  // namespace sealward::api
