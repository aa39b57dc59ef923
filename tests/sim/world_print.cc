// World: as people read it.
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/sim/world.h"

namespace sealward::sim {

using lifecycle::StateAt;

void World::Print(std::ostream& os) const {
  const auto minutes = [this](absl::Time at) {
    if (at == absl::InfiniteFuture()) return std::string("-");
    if (at == absl::InfinitePast()) return std::string("past");
    return absl::StrCat(absl::ToDoubleMinutes(at - now_));
  };
  const StoredIssuer& issuer = site_.store.issuer;
  os << "times in minutes from now; " << issuer.profile->name << ", max-age " << issuer.max_age
     << ", propagation " << issuer.propagation_time << ", earlier promise until "
     << minutes(issuer.earlier_promise_until) << "\n";
  for (const StoredKey& key : site_.store.keys) {
    os << "key: JWTs " << key.max_jwt_lifetime << ", period " << key.rotation.rotation_period
       << ", signing " << key.rotation.max_signing_time << ", standby "
       << key.rotation.max_standby_time << "\n";
    if (key.pause) {
      os << "  paused " << minutes(key.pause->start) << " to " << minutes(key.pause->expire)
         << "\n";
    }
    for (size_t i = 0; i < key.versions.size(); ++i) {
      const auto& times = key.versions[i];
      os << "  pair " << key.pairs[i] << " " << lifecycle::StateName(StateAt(times, now_))
         << " publish " << minutes(times.publish) << " standby " << minutes(times.standby)
         << " activate " << minutes(times.activate) << " retire " << minutes(times.retire)
         << " withdraw " << minutes(times.withdraw) << " sign_until " << minutes(times.sign_until)
         << " publish_until " << minutes(times.publish_until) << " activate_by "
         << minutes(times.activate_by) << " suspend " << minutes(times.suspend) << " revoke "
         << minutes(times.revoke) << " fresh_after " << minutes(times.fresh_after)
         << " destroy_due " << minutes(times.destroy_due) << " rotate_due "
         << minutes(times.rotate_due) << "\n";
    }
  }
}

}  // namespace sealward::sim
