// A partition served by sealward-hsm processes: starts or connects to them,
// replaces dead and wedged ones, and carries packets.
#ifndef SEALWARD_SERVER_HSM_CLIENT_PROCESS_PARTITION_H_
#define SEALWARD_SERVER_HSM_CLIENT_PROCESS_PARTITION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
#include "server/hsm_client/restart_schedule.h"

namespace sealward::hsm_client {

inline constexpr int kMaxProcesses = 64;
// How often the supervisor looks for wedged processes.
inline constexpr std::chrono::milliseconds kSupervisorPeriod{500};
// A process that is not ready after this time has an alarm. It may hang in its HSM;
// it may also be rewriting the partition's master key file, so nobody kills it.
inline constexpr std::chrono::seconds kStartPatience{30};

// A process that has signed so often is replaced while it is well: SoftHSM2 2.6.1 loses
// 37 bytes with each Ed25519 signature, which makes 370 MB of these. Only where another
// process takes over meanwhile.
inline constexpr int64_t kRetireAfterSignatures = 10'000'000;

// PartitionEvent is told to the owner: for the log, metrics and alarms.
struct PartitionEvent {
  // kStopped is an end that Stop asked for, kRetired one after kRetireAfterSignatures;
  // kEnded is every other.
  enum class Kind {
    kStarted,
    kReady,
    kEnded,
    kStopped,
    kRetired,
    kWedged,
    kStartFailed,
    kSlowStart,
    kBreakerOpened,  // no slot, no pid
    kBreakerClosed,  // no slot, no pid
    kAlarm
  };
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
//
// Outages: a process that ends or hangs is replaced on restart_schedule.h's times,
// an HSM that is gone is probed on circuit_breaker.h's, both by the supervisor and
// without anybody's help.
class ProcessPartition final : public Partition {
 public:
  struct Options {
    std::unique_ptr<Connector> connector;
    int processes = 2;  // 1 to kMaxProcesses
    int64_t retire_after_signatures = kRetireAfterSignatures;
    const Clock* clock = nullptr;
    // For time-outs, delays and backoff.
    std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
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

  // OK while a process is ready and the HSM answers; else UNAVAILABLE with the reason.
  absl::Status Health() const;

 private:
  enum class Phase { kDown, kStarting, kReady };
  struct Slot {
    Phase phase = Phase::kDown;
    std::shared_ptr<Link> link;
    std::thread reader;
    std::chrono::steady_clock::time_point started_at;
    bool slow_start_told = false;
    bool wedged = false;
    int starts = 0;
    int64_t signatures = 0;          // of all its processes
    int64_t signatures_of_this = 0;  // of the one there is
  };

  // How a process ended.
  struct Ending {
    bool was_ready = false;
    bool retired = false;
    std::optional<int> exit_code;  // of a child that was not ended by a signal
    absl::Status why;
  };
  using SteadyTime = std::chrono::steady_clock::time_point;

  explicit ProcessPartition(Options options);
  void Supervise();
  SteadyTime NextWake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<size_t> NextStart() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartDueProcess() ABSL_LOCKS_EXCLUDED(mu_);
  void KillWedged() ABSL_LOCKS_EXCLUDED(mu_);
  void TellSlowStarts() ABSL_LOCKS_EXCLUDED(mu_);
  void Read(int slot, const std::shared_ptr<Link>& link);
  absl::Status ReadReady(int slot, const std::shared_ptr<Link>& link) ABSL_LOCKS_EXCLUDED(mu_);
  // OK if the process has done its part and may go.
  absl::Status ReadAnswers(int slot, const Link& link) ABSL_LOCKS_EXCLUDED(mu_);
  bool MayGo(int slot, int64_t more_signatures) ABSL_LOCKS_EXCLUDED(mu_);
  void Ended(int slot, const Link& link, const Ending& ending) ABSL_LOCKS_EXCLUDED(mu_);
  void StartFailed(int slot, const std::string& why) ABSL_LOCKS_EXCLUDED(mu_);
  void Carry(Dispatcher::Work work);
  absl::Status HealthLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // From now on `slot` is down; when it is started again.
  SteadyTime PutDown(int slot, RestartSchedule::Cause cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell(PartitionEvent::Kind kind, int slot, int pid, std::string detail);

  Options options_;
  Dispatcher dispatcher_;
  std::thread supervisor_;

  mutable absl::Mutex mu_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mu_);
  RestartSchedule schedule_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool supervisor_due_ ABSL_GUARDED_BY(mu_) = false;  // do not wait for the period
  bool first_outcome_known_ ABSL_GUARDED_BY(mu_) = false;
  bool pin_latched_ ABSL_GUARDED_BY(mu_) = false;
  std::string alarm_ ABSL_GUARDED_BY(mu_);
  hsm::v1::Description description_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_PROCESS_PARTITION_H_
