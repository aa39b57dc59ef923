#include "server/catalog/lifecycle_records.h"

#include <array>
#include <cstdint>

#include "server/catalog/record_codec.h"

namespace sealward::catalog {
namespace {

using store::v1::KeyRecord;
using store::v1::KeyVersionRecord;
using store::v1::RotationPolicyRecord;

int64_t SecondsOrNever(absl::Duration duration) {
  return duration == absl::InfiniteDuration() ? 0 : absl::ToInt64Seconds(duration);
}

absl::Duration FromSecondsOrNever(int64_t seconds) {
  return seconds == 0 ? absl::InfiniteDuration() : absl::Seconds(seconds);
}

// TimeField is one time of a version and where its record keeps it.
struct TimeField {
  absl::Time lifecycle::VersionTimes::* time;
  int64_t (KeyVersionRecord::*get)() const;
  void (KeyVersionRecord::*set)(int64_t);
};
using Times = lifecycle::VersionTimes;
using Record = KeyVersionRecord;
constexpr std::array kTimeFields = {
    TimeField{&Times::publish, &Record::publish_time_us, &Record::set_publish_time_us},
    TimeField{&Times::standby, &Record::standby_time_us, &Record::set_standby_time_us},
    TimeField{&Times::activate, &Record::activate_time_us, &Record::set_activate_time_us},
    TimeField{&Times::retire, &Record::retire_time_us, &Record::set_retire_time_us},
    TimeField{&Times::withdraw, &Record::withdraw_time_us, &Record::set_withdraw_time_us},
    TimeField{&Times::sign_until, &Record::sign_until_us, &Record::set_sign_until_us},
    TimeField{&Times::publish_until, &Record::publish_until_us, &Record::set_publish_until_us},
    TimeField{&Times::activate_by, &Record::activate_by_us, &Record::set_activate_by_us},
    TimeField{&Times::suspend, &Record::suspend_time_us, &Record::set_suspend_time_us},
    TimeField{&Times::revoke, &Record::revoke_time_us, &Record::set_revoke_time_us},
    TimeField{&Times::schedule_destroy, &Record::schedule_destroy_time_us,
              &Record::set_schedule_destroy_time_us},
    TimeField{&Times::destroy_due, &Record::destroy_due_time_us, &Record::set_destroy_due_time_us},
    TimeField{&Times::destroy, &Record::destroy_time_us, &Record::set_destroy_time_us},
    TimeField{&Times::rotate_due, &Record::rotate_due_time_us, &Record::set_rotate_due_time_us},
};

}  // namespace

void SetLifecycle(const Key& key, KeyRecord& record) {
  RotationPolicyRecord& policy = *record.mutable_rotation_policy();
  policy.set_rotation_period_s(SecondsOrNever(key.rotation_policy.rotation_period));
  policy.set_max_signing_time_s(SecondsOrNever(key.rotation_policy.max_signing_time));
  policy.set_max_standby_time_s(SecondsOrNever(key.rotation_policy.max_standby_time));
  policy.set_destroy_after_s(SecondsOrNever(key.rotation_policy.destroy_after));
  policy.set_recovery_window_s(SecondsOrNever(key.rotation_policy.recovery_window));
  record.set_paused_us(absl::ToInt64Microseconds(key.paused));
  if (!key.pause) return;
  record.mutable_pause()->set_owner(key.pause->owner);
  record.mutable_pause()->set_reason(key.pause->reason);
  record.mutable_pause()->set_start_time_us(ToRecord(key.pause->times.start));
  record.mutable_pause()->set_expire_time_us(ToRecord(key.pause->times.expire));
}

void ReadLifecycle(const KeyRecord& record, Key& key) {
  if (record.has_rotation_policy()) {
    const RotationPolicyRecord& policy = record.rotation_policy();
    key.rotation_policy.rotation_period = FromSecondsOrNever(policy.rotation_period_s());
    key.rotation_policy.max_signing_time = FromSecondsOrNever(policy.max_signing_time_s());
    key.rotation_policy.max_standby_time = FromSecondsOrNever(policy.max_standby_time_s());
    key.rotation_policy.destroy_after = FromSecondsOrNever(policy.destroy_after_s());
    key.rotation_policy.recovery_window = absl::Seconds(policy.recovery_window_s());
  }
  key.paused = absl::Microseconds(record.paused_us());
  if (!record.has_pause()) return;
  key.pause = Pause{record.pause().owner(),
                    record.pause().reason(),
                    {absl::FromUnixMicros(record.pause().start_time_us()),
                     absl::FromUnixMicros(record.pause().expire_time_us())}};
}

absl::string_view LifecycleProblem(const KeyRecord& record) {
  const RotationPolicyRecord& policy = record.rotation_policy();
  if (policy.rotation_period_s() < 0 || policy.max_signing_time_s() < 0 ||
      policy.max_standby_time_s() < 0 || policy.destroy_after_s() < 0 || record.paused_us() < 0) {
    return "its rotation policy has a negative duration";
  }
  if (record.has_rotation_policy() && policy.recovery_window_s() <= 0) {
    return "its rotation policy has no recovery window";
  }
  return "";
}

void SetTimes(const lifecycle::VersionTimes& times, KeyVersionRecord& record) {
  for (const TimeField& field : kTimeFields) (record.*field.set)(ToRecord(times.*field.time));
  record.set_fresh_after_time_us(ToRecordOrPast(times.fresh_after));
  record.set_cancel_destroy_time_us(ToRecordOrPast(times.cancel_destroy));
  record.set_unready(times.unready);
  record.set_revoke_marked(times.revoke_marked);
  record.set_destroy_marked(times.destroy_marked);
}

lifecycle::VersionTimes TimesIn(const KeyVersionRecord& record) {
  lifecycle::VersionTimes times;
  for (const TimeField& field : kTimeFields) times.*field.time = FromRecord((record.*field.get)());
  times.fresh_after = FromRecordOrPast(record.fresh_after_time_us());
  times.cancel_destroy = FromRecordOrPast(record.cancel_destroy_time_us());
  times.unready = record.unready();
  times.revoke_marked = record.revoke_marked();
  times.destroy_marked = record.destroy_marked();
  return times;
}

}  // namespace sealward::catalog
