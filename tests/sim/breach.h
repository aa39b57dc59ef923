// The promises that are looked at, and what it looks like when one is broken.
#ifndef SEALWARD_TESTS_SIM_BREACH_H_
#define SEALWARD_TESTS_SIM_BREACH_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::sim {

enum class Invariant : uint8_t {
  kRefused,           // a validator within its promise refuses an honest JWT
  kJwtOrphaned,       // a JWT is alive and its kid is not in the JWKS
  kSignsTooSoon,      // before every cache has it, and nobody recorded that
  kSignsTooOld,       // begun after activate_by
  kSignsAfterSwitch,  // a version that another one took over from
  kSignsPastEnd,      // past its hard end
  kSignsRevoked,      // once revoked
  kTwoActive,         // two versions of a key at once
  kGap,               // nothing signs, and nothing excuses that
  kJwksTooLarge,      // more keys than the validators take
  kOrdinaryBound,     // more than JwksNeed, and nobody intervened
  kPublishedPastEnd,  // in the JWKS after sign_until + retention_time
  kRevokedPublished,  // in the JWKS once revoked
  kRevokedTrusted,    // by a cache that was said to have dropped it
  kCameBack,          // in the JWKS after it was withdrawn
  kPauseBroken,       // a switch or a destruction during a pause
  kDestroyedEarly,    // before the window was over, or cancelled
  kNotSettled,        // at rest, store and partition differ or something is still due
};

absl::string_view InvariantName(Invariant invariant);

struct Breach {
  Invariant invariant;
  std::string detail;
  absl::Time at;
  int step = 0;  // how many instants into the world
};

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_BREACH_H_
