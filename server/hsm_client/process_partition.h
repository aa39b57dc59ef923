// A partition served by sealward-hsm processes: starts or connects to them,
// replaces dead and wedged ones, and carries packets.
#ifndef SEALWARD_SERVER_HSM_CLIENT_PROCESS_PARTITION_H_
#define SEALWARD_SERVER_HSM_CLIENT_PROCESS_PARTITION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "server/hsm_client/connector.h"
#include "server/hsm_client/dispatcher.h"
#include "server/hsm_client/partition.h"

namespace sealward::hsm_client {

inline constexpr int kMaxProcesses = 64;
// Between two tries to start a process; doubles from the first to the last.
inline constexpr std::chrono::milliseconds kFirstRestartDelay{50};
inline constexpr std::chrono::milliseconds kLastRestartDelay{5000};
// How often the supervisor looks for wedged processes.
inline constexpr std::chrono::milliseconds kSupervisorPeriod{500};

// PartitionEvent is told to the owner: for the log, metrics and alarms.
struct PartitionEvent {
  // kStopped is an end that Stop asked for; kEnded is every other.
  enum class Kind { kStarted, kReady, kEnded, kStopped, kWedged, kStartFailed, kAlarm };
  Kind kind;
  int slot = 0;
  int pid = 0;
  std::string detail;
};

// ProcessPartition keeps `processes` sealward-hsm processes at work.
//
// Threads: one supervisor, which starts processes (one at a time, so that one
// logs in first) and lives as long as the partition; one reader for each
// process, on which every Done runs. A process that has not reported ready is
// never killed: it may be rewriting the partition's master key file.
class ProcessPartition final : public Partition {
 public:
  struct Options {
    std::unique_ptr<Connector> connector;
    int processes = 2;  // 1 to kMaxProcesses
    const Clock* clock = nullptr;
    // Called from any of the threads above; must not block.
    std::function<void(const PartitionEvent&)> on_event = [](const PartitionEvent&) {};
  };

  // Starts the threads; does not wait for a process.
  static std::unique_ptr<ProcessPartition> Start(Options options);

  // Waits until a process is ready or the first has failed to get there; the
  // reason in the latter case. The partition goes on trying all the same.
  absl::Status WaitForFirstProcess();

  // Refuses new work, lets what is under way finish until `deadline`, closes
  // the sockets (the processes end by that) and joins. Called once.
  void Stop(std::chrono::steady_clock::time_point deadline);

  ~ProcessPartition() override;

  void Submit(Submission submission) override;
  void SubmitAll(std::vector<Submission> submissions) override;
  absl::StatusOr<hsm::v1::Result> Call(hsm::v1::Operation operation, absl::Time deadline) override;
  absl::Status ForgetEverywhere(std::span<const std::string> object_ids,
                                absl::Time deadline) override;
  PartitionStatus Status() const override;
  size_t QueueDepth() const { return dispatcher_.QueueDepth(); }

  // OK while a process is ready; else UNAVAILABLE with the reason.
  absl::Status Health() const;

 private:
  enum class Phase { kDown, kStarting, kReady };
  struct Slot {
    Phase phase = Phase::kDown;
    std::shared_ptr<Link> link;
    std::thread reader;
    std::chrono::milliseconds restart_delay = kFirstRestartDelay;
    std::chrono::steady_clock::time_point restart_at{};
    int starts = 0;
    int64_t signatures = 0;
  };

  explicit ProcessPartition(Options options);
  void Supervise();
  std::chrono::steady_clock::time_point NextWake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartDueProcess() ABSL_LOCKS_EXCLUDED(mu_);
  void KillWedged() ABSL_LOCKS_EXCLUDED(mu_);
  void Read(int slot, const std::shared_ptr<Link>& link);
  absl::Status ReadReady(int slot, const std::shared_ptr<Link>& link) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status ReadAnswers(int slot, const Link& link) ABSL_LOCKS_EXCLUDED(mu_);
  void Ended(int slot, const Link& link, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  void StartFailed(int slot, const std::string& why) ABSL_LOCKS_EXCLUDED(mu_);
  static void Carry(Dispatcher::Work work);
  absl::Status HealthLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Backoff(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell(PartitionEvent::Kind kind, int slot, int pid, std::string detail);

  Options options_;
  Dispatcher dispatcher_;
  std::thread supervisor_;

  mutable absl::Mutex mu_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool supervisor_due_ ABSL_GUARDED_BY(mu_) = false;  // do not wait for the period
  bool first_outcome_known_ ABSL_GUARDED_BY(mu_) = false;
  bool pin_latched_ ABSL_GUARDED_BY(mu_) = false;
  std::string alarm_ ABSL_GUARDED_BY(mu_);
  hsm::v1::Description description_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_PROCESS_PARTITION_H_
