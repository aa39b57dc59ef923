// Broken rules, each of which the simulation must find. They are applied around the pure
// functions, to what these are asked or to what they answer: production code has no
// switches for tests.
#ifndef SEALWARD_TESTS_SIM_MUTATIONS_H_
#define SEALWARD_TESTS_SIM_MUTATIONS_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sealward::sim {

enum class Mutation : uint8_t {
  kNone,
  kWithdrawWithoutRetention,  // a switch withdraws the predecessor at once
  kActivateAtPublish,         // a new version counts as ready at once
  kNoUnplanOnSuspend,         // a suspended successor's switch stays planned
  kFreshIgnored,              // what replaces a revoked version needs not be fresh
  kPauseIgnored,              // the planner does not know of pauses
  kPauseKeepsSwitch,          // a pause leaves a planned switch as it is
  kDestroyEarly,              // half of the recovery window
  kDestroyWithoutMark,        // the record says destroyed before the HSM has done it
  kStandbyNeverExpires,       // activate_by is not set
  kRevokedStaysPublished,     // a revocation only ends signing
  kRevokeWithoutPromotion,    // the standby does not step in
  kPromoteUnreadySilently,    // refuse means activate, and nobody records it
  kPromotionKeepsSwitch,      // a planned switch survives the promotion of a standby
  kPredecessorSigns,          // a switch does not retire what signed
  kRetireEarly,               // a planned switch ends the predecessor's signing now
  kNoHardEnd,                 // sign_until is not set
  kNoPublishUntil,            // publish_until is not set
  kNoSuccessor,               // nothing is staged after a switch
  kRoomIgnored,               // successors are added to a full JWKS
  kCancelIgnored,             // a cancelled destruction goes on
  kUnmarkForgotten,           // the partition keeps the mark of a cancelled destruction
  kTombstoneForgotten,        // a revocation leaves nothing in the partition
  kEarlierPromiseForgotten,   // a shorter cache promise holds at once
  kRaiseIgnored,              // a longer cache promise leaves STAGED versions as they are
  kPublishUntilShortened,     // a shorter signing time unpublishes earlier, too
  kEpochIgnored,              // a store older than its partition signs
  kNewPairOnRetry,            // a generation that was cut short is begun with a new id
  kClockFollowed,             // a clock step is believed
  kRotateAtOnce,              // a switch as soon as there is a STANDBY
  kWithdrawStandby,           // the standby is withdrawn as unused
  kEnableRevives,             // ending a suspension clears whatever else ended the version
  kHardEndPutOffBySwitch,     // a switch puts the predecessor's hard end off
};
inline constexpr int kMutations = 33;  // kNone included

absl::string_view MutationName(Mutation mutation);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_MUTATIONS_H_
