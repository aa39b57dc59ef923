#include "server/alarms/alarm.h"

#include <array>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace sealward::alarms {
namespace {

constexpr Severity kCritical = Severity::kCritical;
constexpr Severity kWarning = Severity::kWarning;

constexpr std::array<KindInfo, kKinds> kTable = {{
    {Kind::kNothingSigns, "NOTHING_SIGNS", kCritical,
     "no version of the key can sign: requests for signatures are refused",
     "see `sealward keys versions`; enable a suspended version or rotate the key; with none but "
     "PENDING, see the log for key_refused and give it another algorithm"},
    {Kind::kKeyTooOld, "KEY_TOO_OLD", kCritical,
     "the version that signs is older than it should ever be",
     "end the pause or whatever holds the rotation up, then run `sealward keys rotate`"},
    {Kind::kSignUntilNear, "SIGN_UNTIL_NEAR", kCritical,
     "the version that signs reaches its hard end soon, and nothing is planned to follow it",
     "run `sealward keys rotate` before then"},
    {Kind::kUnreadyActivation, "UNREADY_ACTIVATION", kCritical,
     "the version that signs is not in every validator's cache yet: some refuse its JWTs",
     "nothing but time helps; tell those who run the validators to fetch the JWKS again"},
    {Kind::kHsmUnreachable, "HSM_UNREACHABLE", kCritical,
     "the partition cannot be reached: its tenants' keys do not sign",
     "see `sealward status` and the log for what the processes say"},
    {Kind::kPinLatched, "PIN_LATCHED", kCritical,
     "the HSM refused the PIN, which is not presented again",
     "put the PIN right, then run `sealward-hsm clear-pin-latch` where the partition is"},
    {Kind::kStoreOlderThanPartition, "STORE_OLDER_THAN_PARTITION", kCritical,
     "the store is older than the partition: nothing of the partition signs",
     "restore the newest store, or let two persons recover the partition"},
    {Kind::kReconcileDifference, "RECONCILE_DIFFERENCE", kCritical,
     "the partition does not hold the key pairs that the store says it does",
     "find out who changed the partition; rotate the keys, and revoke what was replaced"},
    {Kind::kClockFrozen, "CLOCK_FROZEN", kCritical,
     "the system's clock was set: no key changes its state until a person confirms the time",
     "put the clock right, then run `sealward clock confirm`"},
    {Kind::kTombstonePending, "TOMBSTONE_PENDING", kCritical,
     "a revoked version has no tombstone in its partition yet: an old store could revive it",
     "bring the HSM back; the tombstone is then made without further asking"},
    {Kind::kJwksFull, "JWKS_FULL", kCritical,
     "the issuer's JWKS is full, or the RAW key's versions are: a key cannot get a successor",
     "end foreign keys that are not needed any more, shorten JWT lifetimes, or raise "
     "max_jwks_keys if the validators can take it; of a RAW key, wait and do not rotate by hand"},
    {Kind::kRotationOverdue, "ROTATION_OVERDUE", kWarning,
     "the rotation that the policy asks for has not come", "see the log for key_step_failed"},
    {Kind::kSuccessorLate, "SUCCESSOR_LATE", kWarning, "the key has no successor with a key pair",
     "see the log for key_step_failed"},
    {Kind::kStandbyMissing, "STANDBY_MISSING", kWarning,
     "the key has no STANDBY version: a revocation now would leave nothing to sign with",
     "wait for a staged version, enable a suspended one, or see the log for key_step_failed"},
    {Kind::kPauseAboutToLapse, "PAUSE_ABOUT_TO_LAPSE", kWarning,
     "the key's pause ends soon, and what it held back happens then",
     "end it yourself with `sealward keys resume`, or pause again"},
    {Kind::kKeyPausedLong, "KEY_PAUSED_LONG", kWarning,
     "the key has been paused for a long time since its last switch",
     "ask the owner of the pause, and end it with `sealward keys resume`"},
    {Kind::kDestroyOverdue, "DESTROY_OVERDUE", kWarning,
     "a key pair whose recovery window is over is still in the HSM",
     "see the log for key_step_failed"},
    {Kind::kQuarantineNotEmpty, "QUARANTINE_NOT_EMPTY", kWarning,
     "the partition holds key pairs that no version owns",
     "see `sealward quarantine list`; adopt or purge them"},
}};

// A kind is its row's index, and the table is in the order of severity.
constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<size_t>(kTable[i].kind) != i) return false;
    if (i > 0 && kTable[i].severity < kTable[i - 1].severity) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

}  // namespace

std::span<const KindInfo> AllKinds() { return kTable; }

const KindInfo& InfoOf(Kind kind) { return kTable.at(static_cast<size_t>(kind)); }

absl::string_view SeverityName(Severity severity) {
  return severity == Severity::kCritical ? "critical" : "warning";
}

std::string Description(const Alarm& alarm) {
  const KindInfo& info = InfoOf(alarm.kind);
  return absl::StrCat(info.text, alarm.detail.empty() ? "" : " (", alarm.detail,
                      alarm.detail.empty() ? "" : ")", ". What to do: ", info.advice);
}

bool Before(const Alarm& a, const Alarm& b) {
  return std::tie(a.kind, a.resource) < std::tie(b.kind, b.resource);
}

}  // namespace sealward::alarms
