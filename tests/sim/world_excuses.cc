// World: when a key may be without a signer.
#include <algorithm>
#include <span>

#include "tests/sim/world.h"

namespace sealward::sim {

using lifecycle::State;
using lifecycle::StateAt;

void World::EndTroubles() {
  if (site_.hsm_down && outage_end_ <= now_) site_.hsm_down = false;
}

void World::Excuse() {
  for (size_t key = 0; key < driver_at_.size(); ++key) truth_.key(key).excused = true;
}

// A key that has everything it needs may not stop signing without a reason.
void World::EndExcuses() {
  if (site_.hsm_down || site_.rolled_back || now_ < frozen_until_) return;
  if (now_ < site_.store.issuer.earlier_promise_until) return;
  for (size_t key = 0; key < driver_at_.size(); ++key) {
    if (now_ < late_until_[key]) continue;
    const auto& versions = site_.store.keys[key].versions;
    // What has a mark that the store forgot signs once that is taken away.
    if (std::ranges::any_of(versions, [](const auto& times) {
          return times.destroy_marked && times.schedule_destroy == absl::InfiniteFuture();
        })) {
      continue;
    }
    const auto signer = lifecycle::SigningVersionAt(versions, now_);
    if (!signer) continue;
    const absl::Duration left = versions[*signer].sign_until - now_;
    if (left <= absl::Minutes(5)) continue;
    // What is older than the signer was passed over.
    const auto younger = std::span(versions).subspan(*signer + 1);
    const bool has_standby = std::ranges::any_of(younger, [this](const auto& times) {
      return StateAt(times, now_) == State::kStandby && lifecycle::CanFollow(times, now_) &&
             times.activate_by > now_ + site_.store.issuer.propagation_time + absl::Minutes(5);
    });
    // There is one that is ready, or time and room to make one.
    const bool has_time = left > site_.store.issuer.propagation_time + absl::Hours(1);
    if (has_standby || (has_time && CourseOf(site_.store, key, now_).jwks_room > 0)) {
      truth_.key(key).excused = false;
    }
  }
}

}  // namespace sealward::sim
