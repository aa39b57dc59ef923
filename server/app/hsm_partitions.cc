#include "server/app/hsm_partitions.h"

#include <utility>

#include "server/app/hsm_events.h"
#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

using hsm_client::ProcessPartition;

std::unique_ptr<ProcessPartition> StartOne(const std::string& name, const Config::Hsm& config,
                                           SignerIsolation* isolation, const Clock* clock,
                                           telemetry::Metrics* metrics) {
  metrics->AddHsmPartition(name);
  ProcessPartition::Options options = PartitionOptions(
      config, clock,
      [name, isolation](pid_t pid, uid_t uid) { return isolation->CheckPeer(name, pid, uid); });
  options.on_event = [name, metrics](const hsm_client::PartitionEvent& event) {
    RecordHsmEvent(name, event, *metrics);
  };
  return ProcessPartition::Start(std::move(options));
}

// Why `partition` is not ready, for people; empty if it is.
std::string AlarmOf(const ProcessPartition& partition) {
  const absl::Status health = partition.Health();
  if (health.ok()) return "";
  return health.message().empty() ? "no sealward-hsm process is ready yet"
                                  : std::string(health.message());
}

}  // namespace

ProcessPartition::Options PartitionOptions(const Config::Hsm& config, const Clock* clock,
                                           hsm_client::PeerCheck check) {
  ProcessPartition::Options options;
  options.clock = clock;
  if (config.sockets.empty()) {
    options.connector = hsm_client::MakeSpawnConnector(config.binary, config.partition);
    options.processes = config.processes;
  } else {
    options.connector = hsm_client::MakeSocketConnector(config.sockets, std::move(check));
    options.processes = static_cast<int>(config.sockets.size());
  }
  return options;
}

std::vector<HsmPartitions::Entry> HsmPartitions::StartAll(const Config& config,
                                                          SignerIsolation* isolation,
                                                          const Clock* clock,
                                                          telemetry::Metrics* metrics) {
  std::vector<Entry> entries;
  const std::string shared(hsm_client::kSharedPartition);
  entries.push_back({shared, StartOne(shared, config.hsm, isolation, clock, metrics)});
  for (const auto& [name, own] : config.partitions) {
    entries.push_back({name, StartOne(name, own, isolation, clock, metrics)});
  }
  return entries;
}

std::vector<hsm_client::Partitions::Named> HsmPartitions::Named(const std::vector<Entry>& entries) {
  std::vector<hsm_client::Partitions::Named> named;
  named.reserve(entries.size());
  for (const Entry& entry : entries) named.push_back({entry.name, entry.partition.get()});
  return named;
}

HsmPartitions::HsmPartitions(const Config& config, SignerIsolation* isolation, const Clock* clock,
                             telemetry::Metrics* metrics)
    : metrics_(metrics),
      entries_(StartAll(config, isolation, clock, metrics)),
      partitions_(Named(entries_)) {}

HsmPartitions::~HsmPartitions() { Stop(std::chrono::steady_clock::now()); }

void HsmPartitions::AwaitStart(const std::function<void(const std::string&)>& settled) {
  for (const Entry& entry : entries_) {
    waiters_.emplace_back([this, &entry, settled] {
      const absl::Status ready = entry.partition->WaitForFirstProcess();
      if (!ready.ok()) {
        telemetry::Log(telemetry::Level::kError, "serving_without_hsm",
                       {{"partition", entry.name}, {"reason", ready.message()}});
      }
      settled(entry.name);
      absl::MutexLock lock(&mu_);
      ++settled_;
      one_is_ready_ |= ready.ok();
    });
  }
  absl::MutexLock lock(&mu_);
  const auto all = [this] {
    mu_.AssertReaderHeld();
    return settled_ == entries_.size();
  };
  const auto all_or_one = [this, &all] {
    mu_.AssertReaderHeld();
    return one_is_ready_ || all();
  };
  mu_.AwaitWithTimeout(absl::Condition(&all_or_one), kHsmStartTimeout);
  mu_.AwaitWithTimeout(absl::Condition(&all), kHsmLateTimeout);
}

absl::Status HsmPartitions::Health(
    absl::FunctionRef<absl::Status(const hsm_client::Partition&)> usable) const {
  absl::Status first;
  for (const Entry& entry : entries_) {
    absl::Status health = entry.partition->Health();
    if (health.ok()) health = usable(*entry.partition);
    if (health.ok()) return health;
    if (first.ok()) first = std::move(health);
  }
  return first;
}

void HsmPartitions::UpdateGauges() const {
  for (const Entry& entry : entries_) UpdateHsmGauges(entry.name, *entry.partition, *metrics_);
}

std::vector<PartitionInfo> HsmPartitions::Infos() const {
  std::vector<PartitionInfo> infos;
  for (const Entry& entry : entries_) {
    PartitionInfo& info = infos.emplace_back();
    info.name = entry.name;
    info.alarm = AlarmOf(*entry.partition);
    info.ready = info.alarm.empty();
    for (const auto& process : entry.partition->Status().processes) {
      if (process.pid != 0) info.pids.push_back(process.pid);
    }
  }
  return infos;
}

void HsmPartitions::Stop(std::chrono::steady_clock::time_point deadline) {
  if (std::exchange(stopped_, true)) return;
  std::vector<std::thread> stops;
  stops.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    stops.emplace_back([&entry, deadline] { entry.partition->Stop(deadline); });
  }
  for (std::thread& stop : stops) stop.join();
  for (std::thread& waiter : waiters_) waiter.join();
}

}  // namespace sealward::app
