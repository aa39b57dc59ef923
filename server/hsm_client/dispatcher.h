// Which operation goes to which process, and when: the windows over the queue.
// Nothing is sent and no thread runs here, so that tests can play every order of events.
#ifndef SEALWARD_SERVER_HSM_CLIENT_DISPATCHER_H_
#define SEALWARD_SERVER_HSM_CLIENT_DISPATCHER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "server/hsm_client/circuit_breaker.h"
#include "server/hsm_client/connector.h"
#include "server/hsm_client/cost.h"
#include "server/hsm_client/operation_queue.h"
#include "server/hsm_client/partition.h"
#include "server/hsm_client/service_estimate.h"

namespace sealward::hsm_client {

// When a caller may try again after a process died, and at the soonest and latest
// while none is ready or the breaker is open.
inline constexpr absl::Duration kUnavailableRetryDelay = absl::Milliseconds(200);
inline constexpr absl::Duration kMaxUnavailableRetryDelay = absl::Seconds(5);
inline constexpr absl::Duration kQueueFullRetryDelay = absl::Milliseconds(50);
// At most, for one whose deadline would be missed.
inline constexpr absl::Duration kMaxOverloadedRetryDelay = absl::Seconds(5);

// A process that owes an answer for longer than this is wedged. Generating an
// RSA-4096 pair on a busy machine, behind another one's lock, takes its time.
inline constexpr std::chrono::seconds kSigningTimeout{10};
inline constexpr std::chrono::seconds kSlowTimeout{120};
// So is one that has not forgotten what it was told to forget: somebody waits for it,
// and it may be signing with a stolen key. Killing a process that generates for longer
// than this leaves an object for reconciliation to find, which is the smaller harm.
inline constexpr std::chrono::seconds kForgetTimeout{10};
// Operations that wait for one process in particular.
inline constexpr size_t kMaxOwnOperations = 4096;

// Dispatcher models the flow of operations: a bounded queue, and for each
// process (a slot) a window of kMaxPacketsInFlight packets; one, where that has a
// single operation that costs more than a packet may, so that nobody waits for
// two such. Slow operations get
// a packet and a process of their own: one process at a time runs dry, takes
// the slow operation alone, and joins in again; while it lives always the same one,
// because SoftHSM2 reads its directory again for what another process has changed. A signature that
// would wait beyond its deadline is refused when it comes, not when it is too late. While the HSM
// is known to be gone (circuit_breaker.h), everything is refused when it comes, and what waits as
// soon as that is known. Thread-safe; never blocks.
class Dispatcher {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // A packet that the caller must send now.
  struct Outgoing {
    int slot = 0;
    // To the process that owes the answer, and to no replacement of it.
    std::shared_ptr<Link> link;
    hsm::v1::RequestPacket packet;
  };
  // An operation that is over: the caller must run done(result).
  struct Finished {
    Partition::Done done;
    absl::StatusOr<hsm::v1::Result> result;
  };
  // What follows from an event. Send first, then finish: a process that waits
  // for work costs more than an answer that waits for a verification.
  struct Work {
    std::vector<Outgoing> outgoing;
    std::vector<Finished> finished;
    // What the breaker has become, if it changed: for the owner to tell.
    std::optional<BreakerState> turned;
  };

  explicit Dispatcher(int slots);

  // New operations.
  Work Submit(std::vector<Partition::Submission> submissions, absl::Time now, SteadyTime steady);

  // Operations for the process of `slot` in particular, and for no replacement of it,
  // before anything else that waits. One that has not been opened yet gets them first
  // of all, and they are over at once: nothing comes of it before. An answer other
  // than OK is as good as none: the process must be replaced (Answer). False, and
  // nothing is done, if more than kMaxOwnOperations would wait.
  bool SubmitTo(int slot, std::vector<Partition::Submission> submissions, absl::Time now,
                SteadyTime steady, Work& work);

  // A process of `slot` is ready, and signs in `sessions` at the same time; `link` is
  // only handed back in Outgoing.
  Work Open(int slot, std::shared_ptr<Link> link, absl::Time now, SteadyTime steady,
            int sessions = 1);

  // The process of `slot` is to be replaced while it is well: it gets nothing more but
  // what is for it in particular, and others take the rest. False, and nothing is done,
  // unless another process is open, or while one is already on its way out.
  bool Retire(int slot);
  // Whether it was retired and owes nothing any more: the owner may end it.
  bool IsDrained(int slot) const;

  // The process of `slot` is gone: what it owed fails, and with no other
  // process ready all that waits fails too. Harmless if it was not open.
  Work Close(int slot, absl::Time now, SteadyTime steady);

  // A start found the HSM gone, or a process hangs in it: counts for the breaker as
  // an operation that was answered so.
  Work HsmGone(SteadyTime steady);

  // Where the breaker's probe is due: sends it to an idle process. If all of those
  // that are ready are busy with what they were sent before, or none is ready, that
  // is a failed probe.
  Work Probe(SteadyTime steady);
  // When that will be; nullopt while the breaker is closed or a probe is under way.
  std::optional<SteadyTime> NextProbe() const;
  BreakerState breaker() const;
  // What the breaker means, for people; empty while it is closed.
  std::string BreakerAlarm() const;

  // The process of `slot` has answered. INTERNAL if the answer fits no request, or
  // refuses what SubmitTo asked: the process must be replaced.
  absl::StatusOr<Work> Answer(int slot, hsm::v1::ResponsePacket& response, absl::Time now,
                              SteadyTime steady);

  // Slots whose oldest packet is overdue.
  std::vector<int> WedgedSlots(SteadyTime steady) const;

  // Whether nothing waits and nothing is in flight.
  bool IsIdle() const;
  size_t QueueDepth() const;

  // From now on no process being ready is explained by `reason`; the next is started
  // at `next_start`, which is what callers are told to wait for.
  void SetUnavailable(absl::string_view reason, SteadyTime next_start);

 private:
  struct InFlight {
    uint64_t packet_id = 0;
    bool slow = false;
    bool own = false;  // of SubmitTo
    bool probe = false;
    int64_t cost = 0;
    SteadyTime sent;
    std::vector<Partition::Done> dones;
  };
  struct Own {
    Partition::Submission submission;
    SteadyTime since;
  };
  struct Window {
    bool open = false;
    bool retiring = false;  // only while another is open
    std::deque<Own> own;    // at most kMaxOwnOperations
    std::shared_ptr<Link> link;
    int max_cost = kMaxPacketCost;  // of a packet
    uint64_t next_packet_id = 1;
    std::vector<InFlight> in_flight;  // at most kMaxPacketsInFlight
    SteadyTime answered;              // the last time

    bool HasRoom() const {
      return in_flight.empty() ||
             (in_flight.size() < kMaxPacketsInFlight && in_flight.front().cost <= max_cost);
    }
  };

  void Fill(absl::Time now, SteadyTime steady, Work& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int ChooseSlowSlot(int otherwise) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool FillSlot(int slot, absl::Time now, SteadyTime steady, Work& work)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  InFlight& Put(int slot, std::vector<Partition::Submission> batch, bool slow, SteadyTime steady,
                Work& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool PutOwn(int slot, Work& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Judge(const hsm::v1::Result& result, SteadyTime steady, Work& work)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CountFailure(SteadyTime steady, Work& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndProbe(bool succeeded, SteadyTime steady, Work& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How much too late `submission` would be served; zero if in time, or nobody
  // knows. What is in flight is not counted: in doubt it may wait.
  absl::Duration LateBy(const Partition::Submission& submission, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsWedged(const Window& window, SteadyTime steady) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  size_t OpenCount() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Unavailable(SteadyTime steady) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Gone(SteadyTime steady) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  OperationQueue queue_ ABSL_GUARDED_BY(mu_);
  ServiceEstimate estimate_ ABSL_GUARDED_BY(mu_);
  CircuitBreaker breaker_ ABSL_GUARDED_BY(mu_);
  std::vector<Window> windows_ ABSL_GUARDED_BY(mu_);
  int slow_slot_ ABSL_GUARDED_BY(mu_) = -1;  // that runs dry for, or does, a slow operation
  int last_slow_slot_ ABSL_GUARDED_BY(mu_) = 0;
  size_t next_slot_ ABSL_GUARDED_BY(mu_) = 0;
  std::string reason_ ABSL_GUARDED_BY(mu_) = "sealward-hsm has not started yet";
  SteadyTime next_start_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_DISPATCHER_H_
