// What a revocation means for those who verify: pure functions of what is known about
// caches (lifecycle/profiles.h).
#ifndef SEALWARD_SERVER_API_EXPOSURE_H_
#define SEALWARD_SERVER_API_EXPOSURE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "sealward/v1/lifecycle_service.pb.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/course.h"

namespace sealward::api {

// The version whose kid no cache has that was filled before `now`: the first published
// after it that is to sign. `key` is as the revocation leaves it; nothing is awaited
// for longer than a propagation time and a little.
v1::UntilFreshKid FreshKidOf(const catalog::Key& key, const lifecycle::KeyCourse& course,
                             absl::Time now);

// Until when each class of the issuer's validators may trust a version that was as
// `before` says and is revoked at `now`. Classes that trust it no more are left out;
// all are where it was never published. A RAW key's verifiers are not known to Sealward: they
// are one class, without bound.
std::vector<v1::Exposure> ExposuresOf(const catalog::Issuer& issuer,
                                      const lifecycle::VersionTimes& before,
                                      const v1::UntilFreshKid& fresh, absl::Time now);

// Validators that may refuse JWTs of a version that signs at `now` though it was
// published only at `published`, each with what ends it.
std::vector<std::string> RefusedBy(const catalog::Issuer& issuer, absl::Time published,
                                   absl::Time now);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_EXPOSURE_H_
