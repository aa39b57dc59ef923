#include "server/alarms/watch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "server/telemetry/logging.h"

namespace sealward::alarms {
namespace {

using telemetry::Level;
using telemetry::Log;

// Lines writes the log's lines of one round, up to the limit.
class Lines {
 public:
  void Begins(const Alarm& alarm) {
    const KindInfo& info = InfoOf(alarm.kind);
    if (!HasRoom()) return;
    Log(info.severity == Severity::kCritical ? Level::kError : Level::kWarning, "alarm_begins",
        {{"kind", info.name},
         {"severity", SeverityName(info.severity)},
         {"resource", alarm.resource},
         {"description", Description(alarm)}});
  }
  void Ends(Kind kind, const std::string& resource) {
    if (!HasRoom()) return;
    Log(Level::kInfo, "alarm_ends", {{"kind", InfoOf(kind).name}, {"resource", resource}});
  }
  ~Lines() {
    if (lines_ <= kMaxLinesPerRound) return;
    Log(Level::kError, "alarms_not_logged", {{"count", lines_ - kMaxLinesPerRound}});
  }

 private:
  bool HasRoom() { return ++lines_ <= kMaxLinesPerRound; }
  size_t lines_ = 0;
};

PartitionFacts FactsOfPartition(const hsm_client::Partitions::Named& partition,
                                const lifecycle::Withheld& withheld) {
  const hsm_client::PartitionStatus status = partition.partition->Status();
  lifecycle::ReconcileReport report = withheld.Report(partition.name);
  PartitionFacts facts;
  facts.name = partition.name;
  facts.is_reachable = status.breaker == hsm_client::BreakerState::kClosed &&
                       std::ranges::any_of(status.processes, &hsm_client::ProcessStatus::ready);
  facts.pin_latched = status.pin_latched;
  facts.alarm = status.alarm;
  facts.differences = report.Alarm();
  facts.unknown = std::move(report.unknown);
  facts.unattributable = report.unattributable;
  return facts;
}

bool Everything(absl::string_view /*resource*/) { return true; }

}  // namespace

void AlarmWatch::Start() {
  thread_ = std::thread([this] { Work(); });
}

void AlarmWatch::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void AlarmWatch::Work() {
  for (;;) {
    Round();
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&stopping_), kAlarmPeriod);
    if (stopping_) return;
  }
}

Facts AlarmWatch::FactsOf(const catalog::Snapshot& snapshot) const {
  Facts facts{snapshot, {}, options_.clock->state()};
  for (const hsm_client::Partitions::Named& each : options_.partitions->all()) {
    facts.partitions.push_back(FactsOfPartition(each, *options_.withheld));
  }
  return facts;
}

std::vector<Alarm> AlarmWatch::Current(const Wanted& wanted) const {
  const auto snapshot = options_.catalog->Get();
  const Facts facts = FactsOf(*snapshot);
  std::vector<Alarm> alarms = Evaluate(facts, wanted);
  absl::MutexLock lock(&mu_);
  for (Alarm& alarm : alarms) {
    if (alarm.since != absl::InfinitePast()) continue;
    const auto standing = standing_.find(Id(alarm.kind, alarm.resource));
    alarm.since = standing == standing_.end() ? facts.clock.time : standing->second;
  }
  return alarms;
}

void AlarmWatch::Round() {
  const auto snapshot = options_.catalog->Get();
  const Facts facts = FactsOf(*snapshot);
  const std::vector<Alarm> alarms = Evaluate(facts, Everything);
  Count(alarms);
  SetGauges(facts);
  const Standing before = Stand(alarms, facts.clock.time);
  Lines lines;
  absl::flat_hash_set<Id> now;
  for (const Alarm& alarm : alarms) {
    Id id(alarm.kind, alarm.resource);
    if (!before.contains(id)) lines.Begins(alarm);
    now.insert(std::move(id));
  }
  for (const auto& [id, since] : before) {
    if (!now.contains(id)) lines.Ends(id.first, id.second);
  }
}

AlarmWatch::Standing AlarmWatch::Stand(const std::vector<Alarm>& alarms, absl::Time now) {
  absl::MutexLock lock(&mu_);
  Standing next;
  for (const Alarm& alarm : alarms) {
    Id id(alarm.kind, alarm.resource);
    const auto standing = standing_.find(id);
    const absl::Time since = standing == standing_.end() ? now : standing->second;
    next.emplace(std::move(id), since);
  }
  return std::exchange(standing_, std::move(next));
}

void AlarmWatch::Count(const std::vector<Alarm>& alarms) const {
  std::array<int64_t, kKinds> counts{};
  for (const Alarm& alarm : alarms) ++counts.at(static_cast<size_t>(alarm.kind));
  for (const KindInfo& info : AllKinds()) {
    options_.metrics->SetAlarms(info.name, SeverityName(info.severity),
                                counts.at(static_cast<size_t>(info.kind)));
  }
}

void AlarmWatch::SetGauges(const Facts& facts) const {
  const LifecycleGauges gauges = GaugesOf(facts);
  telemetry::Metrics& metrics = *options_.metrics;
  metrics.SetNextRotation(gauges.next_rotation);
  metrics.SetOldestSigningAge(gauges.oldest_signing_age);
  metrics.SetPendingHsmWork("generate", gauges.to_generate);
  metrics.SetPendingHsmWork("mark", gauges.to_mark);
  metrics.SetPendingHsmWork("destroy", gauges.to_destroy);
  metrics.SetClockBehind(options_.clock->Realtime() - lifecycle::LifecycleTime(facts.clock));
}

}  // namespace sealward::alarms
