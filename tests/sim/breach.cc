#include "tests/sim/breach.h"

#include <array>

namespace sealward::sim {

absl::string_view InvariantName(Invariant invariant) {
  static constexpr std::array<absl::string_view, 18> kNames = {
      "refused",           "jwt_orphaned",       "signs_too_soon",
      "signs_too_old",     "signs_after_switch", "signs_past_end",
      "signs_revoked",     "two_active",         "gap",
      "jwks_too_large",    "ordinary_bound",     "published_past_end",
      "revoked_published", "revoked_trusted",    "came_back",
      "pause_broken",      "destroyed_early",    "not_settled"};
  return kNames.at(static_cast<size_t>(invariant));
}

}  // namespace sealward::sim
