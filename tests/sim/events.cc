#include "tests/sim/events.h"

#include <array>

namespace sealward::sim {

absl::string_view EventName(Event event) {
  static constexpr std::array<absl::string_view, kEvents> kNames = {
      "add_successor",  "generate",      "rotate_due",       "withdraw",       "schedule_policy",
      "mark_revoked",   "mark_destroy",  "unmark_destroy",   "destroy",        "rotate",
      "pause",          "resume",        "suspend",          "enable",         "revoke",
      "revoke_unready", "revoke_key",    "schedule_destroy", "cancel_destroy", "change_rotation",
      "raise_promise",  "lower_promise", "outage",           "clock_step",     "restore",
      "recover"};
  return kNames.at(static_cast<size_t>(event));
}

absl::string_view SubjectName(Subject subject) {
  if (subject == Subject::kComing) return "(on the way)";
  if (subject == Subject::kNothing) return "(nothing)";
  return lifecycle::StateName(static_cast<lifecycle::State>(subject));
}

absl::string_view FailpointName(Failpoint failpoint) {
  static constexpr std::array<absl::string_view, kFailpoints> kNames = {
      "-",           "store_fails",   "crash_before", "hsm_fails",
      "answer_lost", "crash_between", "crash_after"};
  return kNames.at(static_cast<size_t>(failpoint));
}

bool CallsHsm(Event event) {
  return event == Event::kGenerate || event == Event::kMarkRevoked ||
         event == Event::kMarkDestroy || event == Event::kUnmarkDestroy || event == Event::kDestroy;
}

}  // namespace sealward::sim
