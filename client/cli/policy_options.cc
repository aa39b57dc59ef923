#include "client/cli/policy_options.h"

#include "absl/strings/str_cat.h"
#include "client/cli/duration.h"

namespace sealward::client::cli {
namespace {

constexpr char kNever[] = "never";
constexpr int kPeriodsSigning = 2;  // the server's default, in rotation periods

// Sets one duration, if it is given; "never" unsets those that have it.
template <typename Mutable, typename Clear>
absl::Status Set(absl::string_view flag, const std::string& text, bool may_be_never,
                 Mutable mutable_field, Clear clear) {
  if (text.empty()) return absl::OkStatus();
  if (may_be_never && text == kNever) {
    clear();
    return absl::OkStatus();
  }
  auto duration = ParseDuration(flag, text);
  if (!duration.ok()) return duration.status();
  *mutable_field() = ToProto(*duration);
  return absl::OkStatus();
}

// Unsets what is as it would be by default, so that it is again.
void ForgetDefaults(v1::RotationPolicy& policy) {
  const absl::Duration standby = FromProto(policy.max_standby_time());
  const absl::Duration signing = FromProto(policy.max_signing_time());
  if (standby == signing) policy.clear_max_standby_time();
  const bool by_hand = !policy.has_rotation_period();
  if (by_hand || signing == kPeriodsSigning * FromProto(policy.rotation_period())) {
    policy.clear_max_signing_time();
  }
}

}  // namespace

bool PolicyFlags::given() const {
  return !rotation_period.empty() || !max_signing_time.empty() || !max_standby_time.empty() ||
         !destroy_after.empty() || !recovery_window.empty();
}

absl::Status PolicyFlags::Fill(v1::RotationPolicy& policy) const {
  ForgetDefaults(policy);
  absl::Status status = Set(
      "--rotation-period", rotation_period, true, [&] { return policy.mutable_rotation_period(); },
      [&] { policy.clear_rotation_period(); });
  status.Update(Set(
      "--max-signing-time", max_signing_time, false,
      [&] { return policy.mutable_max_signing_time(); }, [] {}));
  status.Update(Set(
      "--max-standby-time", max_standby_time, false,
      [&] { return policy.mutable_max_standby_time(); }, [] {}));
  status.Update(Set(
      "--destroy-after", destroy_after, true, [&] { return policy.mutable_destroy_after(); },
      [&] { policy.clear_destroy_after(); }));
  status.Update(Set(
      "--recovery-window", recovery_window, false, [&] { return policy.mutable_recovery_window(); },
      [] {}));
  return status;
}

void AddPolicyOptions(CLI::App& command, PolicyFlags& flags) {
  command.add_option("--rotation-period", flags.rotation_period,
                     "From one switch to the next, at most 400d (default 30d), or never");
  command.add_option("--max-signing-time", flags.max_signing_time,
                     "Hard end of a version's signing (default twice the period)");
  command.add_option("--max-standby-time", flags.max_standby_time,
                     "From when on a successor is too old (default as --max-signing-time)");
  command.add_option("--destroy-after", flags.destroy_after,
                     "From withdrawal to the destruction of a version (default never)");
  command.add_option("--recovery-window", flags.recovery_window,
                     "How long a destruction can be cancelled, 1h to 90d (default 7d)");
}

std::string LongDurationText(absl::Duration duration) {
  constexpr absl::Duration kDay = absl::Hours(24);
  absl::Duration rest;
  const int64_t days = absl::IDivDuration(duration, kDay, &rest);
  if (days == 0) return DurationText(duration);
  return absl::StrCat(days, "d", rest == absl::ZeroDuration() ? "" : DurationText(rest));
}

std::string PolicyText(const v1::RotationPolicy& policy) {
  std::string text =
      policy.has_rotation_period()
          ? absl::StrCat("every ", LongDurationText(FromProto(policy.rotation_period())))
          : "by hand only";
  if (policy.has_max_signing_time()) {
    absl::StrAppend(&text, ", signs at most ",
                    LongDurationText(FromProto(policy.max_signing_time())));
  }
  if (policy.has_destroy_after()) {
    absl::StrAppend(&text, ", destroyed after ",
                    LongDurationText(FromProto(policy.destroy_after())));
  }
  return text;
}

}  // namespace sealward::client::cli
