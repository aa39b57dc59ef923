#include "server/lifecycle/driver.h"

#include <algorithm>
#include <utility>

#include "server/lifecycle/driver_report.h"
#include "server/lifecycle/hsm_call.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

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
  news_.insert(std::string(key));
}

void Driver::Work() {
  for (;;) {
    const absl::Time wake = RunPass();
    const absl::Duration sleep =
        std::clamp(wake - options_.clock->Now(), absl::ZeroDuration(), kMaxSleep);
    absl::MutexLock lock(&mu_);
    const auto has_news = [this] {
      mu_.AssertReaderHeld();
      return !news_.empty() || stopping_;
    };
    mu_.AwaitWithTimeout(absl::Condition(&has_news), sleep);
    if (stopping_) return;
  }
}

absl::Time Driver::RunPass() {
  const absl::Time begin = options_.manager->WallNow();
  const absl::Time now = options_.clock->Now();
  // Nothing is done about keys whose store may be older than they are.
  if (!options_.epochs->Verify(options_.partition.name).ok()) return now + kWitnessRetryDelay;
  ReconcileIfDue(now);
  RescanIfDue(now);
  for (const std::string& key : TakeNews()) Look(key);
  for (const std::string& key : due_.Take(now, kMaxKeysPerPass)) AdvanceInStore(key, now);
  WorkInHsm(now);
  PurgeIfDue(now);
  options_.epochs->AdvanceToNewest(options_.partition.name);
  CountIfDue(now);
  options_.metrics->ObserveDriverPass(options_.partition.name, options_.manager->WallNow() - begin);
  return NextWake();
}

void Driver::ReconcileIfDue(absl::Time now) {
  if (now < next_reconcile_ || now < reconcile_.retry_at) return;
  const auto report = Reconcile(*options_.catalog, options_.partition,
                                options_.manager->WallNow() + kReconcileTimeout);
  if (!report.ok()) {
    reconcile_.Failed(now);
    Log(Level::kWarning, "hsm_reconcile_failed",
        {{"partition", options_.partition.name}, {"status", report.status().ToString()}});
    return;
  }
  reconcile_ = Backoff();
  next_reconcile_ = now + kReconcilePeriod;
  options_.withheld->Set(options_.partition.name, *report);
  TellReport(options_.partition.name, *report, *options_.metrics);
}

void Driver::RescanIfDue(absl::Time now) {
  if (now < next_rescan_) return;
  next_rescan_ = now + kRescanPeriod;
  const auto snapshot = options_.catalog->Get();
  for (const auto& [name, key] : snapshot->keys) {
    if (hsm_client::PartitionName(key->tenant->partition) != options_.partition.name) continue;
    due_.Put(name, options_.manager->DueSince(*key));
  }
}

absl::flat_hash_set<std::string> Driver::TakeNews() {
  absl::MutexLock lock(&mu_);
  return std::exchange(news_, {});
}

void Driver::Look(const std::string& key) {
  const auto snapshot = options_.catalog->Get();
  const auto found = snapshot->keys.find(key);
  if (found != snapshot->keys.end()) due_.Put(key, options_.manager->DueSince(*found->second));
}

void Driver::AdvanceInStore(const std::string& key, absl::Time now) {
  const auto progress = options_.manager->Advance(key, Means::kStore);
  if (!progress.ok()) {
    if (absl::IsNotFound(progress.status())) return;
    due_.Put(key, Failed(key, progress.status(), now, store_failures_));
    return;
  }
  store_failures_.erase(key);
  Took(key, *progress, now);
}

// Puts a key back in for what comes next.
void Driver::Took(const std::string& key, const Progress& progress, absl::Time now) {
  due_.Put(key, progress.wake);
  if (!progress.needs_hsm) return;
  Wait(key, std::max(now, progress.hsm_wake));
}

// Puts a key in for the HSM, not before `from`: by how long it has been due, but one that
// failed comes after those that wait and did not.
void Driver::Wait(const std::string& key, absl::Time from) {
  const auto snapshot = options_.catalog->Get();
  const auto found = snapshot->keys.find(key);
  if (found == snapshot->keys.end()) return;
  const auto failure = hsm_failures_.find(key);
  if (failure != hsm_failures_.end()) from = std::max(from, failure->second.retry_at);
  const bool at_once = from <= options_.clock->Now() && failure == hsm_failures_.end();
  hsm_due_.Put(key, at_once ? options_.manager->DueSince(*found->second) : from);
}

void Driver::WorkInHsm(absl::Time now) {
  if (now < hsm_.retry_at || now < next_turn_) return;
  std::vector<std::string> keys = hsm_due_.Take(now, kMaxHsmKeysPerPass);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (AdvanceInHsm(keys[i], now)) continue;
    for (++i; i < keys.size(); ++i) Wait(keys[i], now);  // the HSM is gone
  }
  const absl::Time end = options_.clock->Now();
  if (!keys.empty()) next_turn_ = end + std::min(end - now, kLongestTurn);
}

// False if the HSM does not answer.
bool Driver::AdvanceInHsm(const std::string& key, absl::Time now) {
  const auto progress = options_.manager->Advance(key, Means::kStoreAndHsm);
  if (progress.ok()) {
    hsm_failures_.erase(key);
    hsm_ = Backoff();
    Took(key, *progress, now);
    return true;
  }
  if (absl::IsNotFound(progress.status())) return true;
  hsm_due_.Put(key, Failed(key, progress.status(), now, hsm_failures_));
  if (!IsOutage(progress.status())) return true;
  hsm_.Failed(now);
  return false;
}

absl::Time Driver::Failed(const std::string& key, const absl::Status& status, absl::Time now,
                          Failures& failures) {
  Log(Level::kWarning, "key_step_failed", {{"key", key}, {"status", status.ToString()}});
  options_.metrics->CountAlarm("key_step_failed");
  Backoff& backoff = failures[key];
  backoff.Failed(now);
  return backoff.retry_at;
}

absl::Time Driver::NextWake() {
  {
    absl::MutexLock lock(&mu_);
    if (!news_.empty()) return absl::InfinitePast();
  }
  const absl::Time hsm = std::max({hsm_due_.Next(), hsm_.retry_at, next_turn_});
  return std::min({due_.Next(), hsm_due_.empty() ? absl::InfiniteFuture() : hsm, next_rescan_,
                   std::max({next_purge_, purge_.retry_at, hsm_.retry_at}),
                   std::max(next_reconcile_, reconcile_.retry_at)});
}

// Each pass looks for what is purged, which costs nothing where there is nothing. A purge
// wakes the driver if its label names a key; another one waits for kMaxSleep at most.
void Driver::PurgeIfDue(absl::Time now) {
  if (now < purge_.retry_at || now < hsm_.retry_at) return;
  const auto next = options_.quarantine->Advance(options_.partition);
  if (next.ok()) {
    purge_ = Backoff();
    next_purge_ = *next;
    return;
  }
  purge_.Failed(now);
  next_purge_ = purge_.retry_at;
  Log(Level::kWarning, "quarantine_purge_failed",
      {{"partition", options_.partition.name}, {"status", next.status().ToString()}});
  options_.metrics->CountAlarm("quarantine_purge_failed");
}

void Driver::CountIfDue(absl::Time now) {
  if (now < next_count_) return;
  next_count_ = now + kCountPeriod;
  CountVersions(*options_.catalog->Get(), now, *options_.metrics);
}

}  // namespace sealward::lifecycle
