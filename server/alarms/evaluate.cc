#include "server/alarms/evaluate.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/partition_objects.h"
#include "server/lifecycle/plan.h"

namespace sealward::alarms {
namespace {

KeyTimes TimesAt(const Facts& facts) {
  return {lifecycle::LifecycleTime(facts.clock), facts.clock.time};
}

std::string PartitionResource(absl::string_view name) { return absl::StrCat("partitions/", name); }

// Of what the last comparison found without an owner, what has not been purged or
// adopted since.
size_t LeftInQuarantine(const Facts& facts, const PartitionFacts& partition) {
  if (partition.unknown.empty()) return 0;
  const auto owned = lifecycle::OwnedObjects(facts.snapshot, partition.name);
  const auto is_left = [&](const std::string& id) {
    const QuarantinedObjectName name{partition.name, id};
    return !facts.snapshot.quarantine.contains(name.ToString()) &&
           !owned.contains(absl::HexStringToBytes(id));
  };
  return static_cast<size_t>(std::ranges::count_if(partition.unknown, is_left));
}

void AddPartitionAlarms(const Facts& facts, const PartitionFacts& partition,
                        std::vector<Alarm>& alarms) {
  const std::string resource = PartitionResource(partition.name);
  if (partition.pin_latched) alarms.push_back({Kind::kPinLatched, resource, ""});
  if (!partition.is_reachable) {
    alarms.push_back({Kind::kHsmUnreachable, resource, partition.alarm});
  }
  if (!partition.differences.empty()) {
    alarms.push_back({Kind::kReconcileDifference, resource, partition.differences});
  }
  const size_t left = LeftInQuarantine(facts, partition);
  if (left == 0 && partition.unattributable == 0) return;
  alarms.push_back({Kind::kQuarantineNotEmpty, resource,
                    absl::StrCat(left, " without an owner, ", partition.unattributable,
                                 " that cannot be told apart")});
}

// Partitions that tenants are bound to and that the configuration does not have.
void AddUnconfigured(const Facts& facts, std::vector<Alarm>& alarms) {
  std::set<std::string> names;
  for (const auto& [name, tenant] : facts.snapshot.tenants) {
    names.emplace(hsm_client::PartitionName(tenant->partition));
  }
  for (const PartitionFacts& each : facts.partitions) names.erase(each.name);
  for (const std::string& name : names) {
    alarms.push_back({Kind::kHsmUnreachable, PartitionResource(name),
                      absl::StrCat("the configuration has no [partitions.", name, "]")});
  }
}

void AddServiceAlarms(const Facts& facts, std::vector<Alarm>& alarms) {
  if (lifecycle::IsFrozen(facts.clock)) {
    alarms.push_back({Kind::kClockFrozen, "", facts.clock.reason, facts.clock.frozen});
  }
  for (const PartitionFacts& each : facts.partitions) AddPartitionAlarms(facts, each, alarms);
  AddUnconfigured(facts, alarms);
  for (const auto& [name, memory] : facts.snapshot.partitions) {
    if (memory->rolled_back == absl::InfiniteFuture()) continue;
    alarms.push_back({Kind::kStoreOlderThanPartition, name, memory->rollback, memory->rolled_back});
  }
}

// The keys of one issuer, and the issuer itself.
void AddIssuerAlarms(const Facts& facts, const catalog::Issuer& issuer,
                     const std::vector<std::shared_ptr<const catalog::Key>>& keys,
                     const Wanted& wanted, std::vector<Alarm>& alarms) {
  const KeyTimes times = TimesAt(facts);
  // Of purpose RAW there is one key, and no issuer that has a name.
  const std::string& resource = issuer.name.empty() ? keys.front()->name : issuer.name;
  const int room = catalog::RoomOf(facts.snapshot, *keys.front(), times.now);
  bool full = false;
  for (const auto& key : keys) {
    const lifecycle::KeyCourse course = catalog::CourseOf(*key, room);
    full |= room <= 0 && lifecycle::PlanStep(course, times.now).no_room;
    if (wanted(key->name)) AddKeyAlarms(*key, course, times, alarms);
  }
  if (!full || !wanted(resource)) return;
  alarms.push_back({Kind::kJwksFull, resource,
                    absl::StrCat("it may hold ", catalog::MaxJwksKeys(issuer), " keys")});
}

}  // namespace

std::vector<Alarm> Evaluate(const Facts& facts, const Wanted& wanted) {
  std::vector<Alarm> alarms;
  AddServiceAlarms(facts, alarms);
  std::erase_if(alarms, [&](const Alarm& alarm) { return !wanted(alarm.resource); });
  for (const auto& [issuer, keys] : facts.snapshot.keys_of_issuer) {
    if (!keys.empty()) AddIssuerAlarms(facts, *keys.front()->issuer, keys, wanted, alarms);
  }
  std::ranges::sort(alarms, Before);
  return alarms;
}

LifecycleGauges GaugesOf(const Facts& facts) {
  const KeyTimes times = TimesAt(facts);
  LifecycleGauges gauges;
  for (const auto& [name, key] : facts.snapshot.keys) {
    const lifecycle::KeyCourse course = catalog::CourseOf(*key, 1);
    if (const auto signer = lifecycle::SigningVersionAt(course.versions, times.now)) {
      const lifecycle::VersionTimes& signing = course.versions[*signer];
      gauges.oldest_signing_age =
          std::max(gauges.oldest_signing_age, times.running - signing.activate);
      const absl::Time next = std::min(signing.retire, lifecycle::RotationDue(course, times.now));
      if (next != absl::InfinitePast()) {
        gauges.next_rotation = std::min(gauges.next_rotation, next - times.running);
      }
    }
    for (const lifecycle::VersionTimes& version : course.versions) {
      if (version.destroy != absl::InfiniteFuture()) continue;
      const bool generated = version.publish != absl::InfiniteFuture();
      const bool scheduled = version.schedule_destroy <= times.now;
      gauges.to_generate += !generated && lifecycle::CanFollow(version, times.now);
      gauges.to_mark += (version.revoke <= times.now && !version.revoke_marked) ||
                        scheduled != version.destroy_marked;
      gauges.to_destroy += scheduled && version.destroy_due <= times.now;
    }
  }
  return gauges;
}

}  // namespace sealward::alarms
