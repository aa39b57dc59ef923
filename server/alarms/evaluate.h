// Every alarm, from what is known at one moment.
#ifndef SEALWARD_SERVER_ALARMS_EVALUATE_H_
#define SEALWARD_SERVER_ALARMS_EVALUATE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/alarms/alarm.h"
#include "server/alarms/key_alarms.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/clock_rules.h"

namespace sealward::alarms {

// PartitionFacts is what is known of one configured partition.
struct PartitionFacts {
  std::string name;           // "default"
  bool is_reachable = false;  // a process is ready, and the circuit breaker closed
  bool pin_latched = false;
  std::string alarm;        // of its processes, for people
  std::string differences;  // between partition and store, for people; empty for none
  // CKA_IDs, in hexadecimal, of objects that no version owns, and how many have none.
  std::vector<std::string> unknown;
  uint32_t unattributable = 0;
};

// Facts is all that alarms depend on. No driver and no clock is asked for any of it.
struct Facts {
  const catalog::Snapshot& snapshot;
  std::vector<PartitionFacts> partitions;
  lifecycle::ClockState clock;
};

// Whether somebody wants to hear of a resource; looked at before any work for it.
using Wanted = std::function<bool(absl::string_view resource)>;

// All alarms, in the order of Before. Pure. Cost: some microseconds for each key.
std::vector<Alarm> Evaluate(const Facts& facts, const Wanted& wanted);

// Gauges of the lifecycle, from the same facts.
struct LifecycleGauges {
  absl::Duration next_rotation = absl::InfiniteDuration();  // negative: it is overdue
  absl::Duration oldest_signing_age;
  // What waits for an HSM: key pairs to be generated, marks to be made, key pairs to be
  // destroyed.
  int64_t to_generate = 0;
  int64_t to_mark = 0;
  int64_t to_destroy = 0;
};
LifecycleGauges GaugesOf(const Facts& facts);

}  // namespace sealward::alarms

#endif  // SEALWARD_SERVER_ALARMS_EVALUATE_H_
