#include "server/lifecycle/clock_keeper.h"

#include "server/catalog/layout.h"
#include "server/catalog/operations_records.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

using telemetry::Level;
using telemetry::Log;

store::Operation PutState(const ClockState& state) {
  return {catalog::ClockRecordKey(), catalog::SerializeClock(ToMemory(state))};
}

// Whether `state` has to be written although kClockWritePeriod is not over.
bool HasNews(const ClockState& state, const ClockState& written) {
  return state.frozen != written.frozen || state.waiting != written.waiting ||
         state.boot_id != written.boot_id;
}

}  // namespace

void ClockKeeper::Start() {
  thread_ = std::thread([this] { Work(); });
}

void ClockKeeper::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (!thread_.joinable()) return;
  thread_.join();
  if (absl::Status s = Write(options_.clock->state()); !s.ok()) {
    Log(Level::kWarning, "clock_write_failed", {{"status", s.ToString()}});
  }
}

void ClockKeeper::Work() {
  for (;;) {
    const absl::Status status = Check();
    if (!status.ok() && !write_failed_) {
      Log(Level::kWarning, "clock_write_failed", {{"status", status.ToString()}});
    }
    write_failed_ = !status.ok();
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&stopping_), kClockCheckPeriod);
    if (stopping_) return;
  }
}

void ClockKeeper::AddTo(store::Transaction& transaction) const {
  if (transaction.operations.size() >= store::kMaxTransactionOperations) return;
  transaction.operations.push_back(PutState(options_.clock->state()));
}

absl::Status ClockKeeper::Check() {
  const ClockState state = options_.clock->state();
  Tell(state);
  const bool due =
      state.time >= last_written_.time + kClockWritePeriod || state.time < last_written_.time;
  if (written_ && !due && !HasNews(state, last_written_)) return absl::OkStatus();
  return Write(state);
}

absl::Status ClockKeeper::Write(const ClockState& state) {
  store::Transaction transaction;
  transaction.operations.push_back(PutState(state));
  const auto revision = options_.catalog->Commit(transaction);
  options_.metrics->CountStoreCommit(revision.status().code());
  if (!revision.ok()) return revision.status();
  last_written_ = state;
  written_ = true;
  return absl::OkStatus();
}

void ClockKeeper::Tell(const ClockState& state) {
  if (state.frozen == told_.frozen && state.waiting == told_.waiting) return;
  if (!IsFrozen(state)) {
    Log(Level::kInfo, "clock_goes_on");
  } else if (state.waiting) {
    Log(Level::kWarning, "clock_waits", {{"reason", state.reason}});
  } else {
    Log(Level::kError, "clock_frozen", {{"reason", state.reason}});
    options_.metrics->CountAlarm("clock_frozen");
  }
  told_ = state;
}

}  // namespace sealward::lifecycle
