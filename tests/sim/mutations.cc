#include "tests/sim/mutations.h"

#include <array>
#include <cstddef>

namespace sealward::sim {

absl::string_view MutationName(Mutation mutation) {
  static constexpr std::array<absl::string_view, kMutations> kNames = {
      "none",
      "withdraw_without_retention",
      "activate_at_publish",
      "no_unplan_on_suspend",
      "fresh_ignored",
      "pause_ignored",
      "pause_keeps_switch",
      "destroy_early",
      "destroy_without_mark",
      "standby_never_expires",
      "revoked_stays_published",
      "revoke_without_promotion",
      "promote_unready_silently",
      "promotion_keeps_switch",
      "predecessor_signs",
      "retire_early",
      "no_hard_end",
      "no_publish_until",
      "no_successor",
      "room_ignored",
      "cancel_ignored",
      "unmark_forgotten",
      "tombstone_forgotten",
      "earlier_promise_forgotten",
      "raise_ignored",
      "publish_until_shortened",
      "epoch_ignored",
      "new_pair_on_retry",
      "clock_followed",
      "rotate_at_once",
      "withdraw_standby",
      "enable_revives",
      "hard_end_put_off_by_switch"};
  return kNames.at(static_cast<size_t>(mutation));
}

}  // namespace sealward::sim
