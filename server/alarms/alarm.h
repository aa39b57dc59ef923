// What can be wrong, as one table.
#ifndef SEALWARD_SERVER_ALARMS_ALARM_H_
#define SEALWARD_SERVER_ALARMS_ALARM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::alarms {

// Kind is one kind of alarm; its row of the table says the rest.
enum class Kind : uint8_t {
  kNothingSigns,
  kKeyTooOld,
  kSignUntilNear,
  kUnreadyActivation,
  kHsmUnreachable,
  kPinLatched,
  kStoreOlderThanPartition,
  kReconcileDifference,
  kClockFrozen,
  kTombstonePending,
  kJwksFull,
  kRotationOverdue,
  kSuccessorLate,
  kStandbyMissing,
  kPauseAboutToLapse,
  kKeyPausedLong,
  kDestroyOverdue,
  kQuarantineNotEmpty,
};
inline constexpr size_t kKinds = 18;

// Severity as sealward.v1.Alarm.Severity; the worst first.
enum class Severity : uint8_t { kCritical, kWarning };

// KindInfo is a row of the table.
struct KindInfo {
  Kind kind;
  absl::string_view name;  // "KEY_TOO_OLD": of the API, the metrics and the log
  Severity severity;
  absl::string_view text;    // what is wrong
  absl::string_view advice;  // what to do
};

std::span<const KindInfo> AllKinds();
const KindInfo& InfoOf(Kind kind);
// "critical" or "warning".
absl::string_view SeverityName(Severity severity);

// Alarm is something that a person should look at. Two are the same if kind and
// resource are.
struct Alarm {
  Kind kind = Kind::kNothingSigns;
  // A key, a version, an issuer, partitions/{partition}, or empty for the service.
  std::string resource;
  std::string detail = {};  // what is particular about this one; may be empty
  // Since when, as far as the stored times tell; InfinitePast where they do not.
  absl::Time since = absl::InfinitePast();
  bool operator==(const Alarm&) const = default;
};

// What is wrong and what to do, for people.
std::string Description(const Alarm& alarm);

// The order of lists: the worst first, then by kind as in the table, then by resource.
bool Before(const Alarm& a, const Alarm& b);

}  // namespace sealward::alarms

#endif  // SEALWARD_SERVER_ALARMS_ALARM_H_
