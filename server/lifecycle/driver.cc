#include "server/lifecycle/driver.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_join.h"
#include "common/errors.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

constexpr std::array kStates = {State::kPending, State::kStaged,     State::kStandby,
                                State::kActive,  State::kVerifyOnly, State::kWithdrawn};

// The HSM does not answer: no use in trying another key now.
bool IsOutage(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status);
}

void LogReport(absl::string_view partition, const ReconcileReport& report,
               telemetry::Metrics& metrics) {
  Log(Level::kInfo, "hsm_reconciled",
      {{"partition", partition},
       {"objects", report.objects},
       {"unknown", report.unknown.size()},
       {"unattributable", report.unattributable},
       {"missing", report.missing.size()},
       {"mismatched", report.mismatched.size()}});
  for (const std::string& id : report.unknown) {
    Log(Level::kWarning, "hsm_object_unknown", {{"object_id", id}});
  }
  for (const std::string& version : report.missing) {
    Log(Level::kError, "hsm_object_missing", {{"version", version}});
  }
  for (const std::string& version : report.mismatched) {
    Log(Level::kError, "hsm_object_mismatch", {{"version", version}});
  }
  if (!report.unknown.empty()) metrics.CountAlarm("hsm_object_unknown");
  if (!report.missing.empty()) metrics.CountAlarm("hsm_object_missing");
  if (!report.mismatched.empty()) metrics.CountAlarm("hsm_object_mismatch");
}

}  // namespace

void Driver::Backoff::Failed(absl::Time now) {
  retry_at = now + delay;
  delay = std::min(2 * delay, kLastRetryDelay);
}

void Driver::Start() {
  thread_ = std::thread([this] { Work(); });
}

void Driver::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Driver::Notify(absl::string_view key) {
  absl::MutexLock lock(&mu_);
  due_[key] = absl::InfinitePast();
  notified_ = true;
}

void Driver::Work() {
  for (;;) {
    const absl::Time wake = RunPass();
    const absl::Duration sleep =
        std::clamp(wake - options_.clock->Now(), absl::ZeroDuration(), kMaxSleep);
    absl::MutexLock lock(&mu_);
    const auto has_news = [this] {
      mu_.AssertReaderHeld();
      return notified_ || stopping_;
    };
    mu_.AwaitWithTimeout(absl::Condition(&has_news), sleep);
    if (stopping_) return;
    notified_ = false;
  }
}

absl::Time Driver::RunPass() {
  const absl::Time now = options_.clock->Now();
  ReconcileIfDue(now);
  RescanIfDue(now);
  bool hsm_answers = true;
  for (const std::string& key : TakeDueKeys(now)) {
    if (hsm_answers) {
      hsm_answers = AdvanceKey(key, now);
    } else {
      Schedule(key, now + kFirstRetryDelay);
    }
  }
  CountVersions(now);
  return NextWake();
}

void Driver::ReconcileIfDue(absl::Time now) {
  if (now < next_reconcile_ || now < reconcile_.retry_at) return;
  const auto report = Reconcile(*options_.catalog, options_.partition, now + kReconcileTimeout);
  if (!report.ok()) {
    reconcile_.Failed(now);
    Log(Level::kWarning, "hsm_reconcile_failed",
        {{"partition", options_.partition.name}, {"status", report.status().ToString()}});
    return;
  }
  reconcile_ = Backoff();
  next_reconcile_ = now + kReconcilePeriod;
  options_.withheld->Set(options_.partition.name, *report);
  LogReport(options_.partition.name, *report, *options_.metrics);
}

void Driver::RescanIfDue(absl::Time now) {
  if (now < next_rescan_) return;
  next_rescan_ = now + kRescanPeriod;
  const auto snapshot = options_.catalog->Get();
  absl::MutexLock lock(&mu_);
  for (const auto& [name, key] : snapshot->keys) {
    if (hsm_client::PartitionName(key->tenant->partition) != options_.partition.name) continue;
    if (!failed_.contains(name)) due_[name] = now;  // those wait for their retry
  }
}

std::vector<std::string> Driver::TakeDueKeys(absl::Time now) {
  std::vector<std::string> keys;
  absl::MutexLock lock(&mu_);
  for (const auto& [name, when] : due_) {
    if (when <= now && keys.size() < kMaxKeysPerPass) keys.push_back(name);
  }
  // Out of the map before the work, so that a Notify meanwhile is not lost.
  for (const std::string& name : keys) due_.erase(name);
  return keys;
}

// False if the HSM does not answer.
bool Driver::AdvanceKey(const std::string& key, absl::Time now) {
  const auto wake = options_.manager->Advance(key);
  if (wake.ok()) {
    failed_.erase(key);
    Schedule(key, *wake);
    return true;
  }
  if (absl::IsNotFound(wake.status())) return true;
  Log(Level::kWarning, "key_step_failed", {{"key", key}, {"status", wake.status().ToString()}});
  options_.metrics->CountAlarm("key_step_failed");
  Backoff& backoff = failed_[key];
  backoff.Failed(now);
  Schedule(key, backoff.retry_at);
  return !IsOutage(wake.status());
}

void Driver::Schedule(const std::string& key, absl::Time when) {
  if (when == absl::InfiniteFuture()) return;
  absl::MutexLock lock(&mu_);
  absl::Time& due = due_.try_emplace(key, when).first->second;
  due = std::min(due, when);
}

absl::Time Driver::NextWake() {
  absl::Time keys = absl::InfiniteFuture();
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [name, when] : due_) keys = std::min(keys, when);
  }
  return std::min({keys, next_rescan_, std::max(next_reconcile_, reconcile_.retry_at)});
}

void Driver::CountVersions(absl::Time now) {
  std::array<int64_t, kStates.size()> counts{};
  const auto snapshot = options_.catalog->Get();  // outlives the loop
  for (const auto& [name, key] : snapshot->keys) {
    for (const auto& version : key->versions) {
      ++counts[static_cast<size_t>(StateAt(version->times, now))];
    }
  }
  for (const State state : kStates) {
    options_.metrics->SetKeyVersions(StateName(state), counts[static_cast<size_t>(state)]);
  }
}

}  // namespace sealward::lifecycle
