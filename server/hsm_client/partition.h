// The server's view of an HSM partition: a handful of sealward-hsm processes
// behind one bounded queue. This header is the whole interface to the signer;
// tests swap the processes behind it.
#ifndef SEALWARD_SERVER_HSM_CLIENT_PARTITION_H_
#define SEALWARD_SERVER_HSM_CLIENT_PARTITION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "server/hsm_client/circuit_breaker.h"

namespace sealward::hsm_client {

// Operations waiting for a process, over all callers. One more is refused; a
// flow's share of it is in fair_queue.h.
inline constexpr size_t kMaxQueuedOperations = 8192;
// Of these, operations other than signing.
inline constexpr size_t kMaxQueuedSlowOperations = 256;

// ProcessStatus is one sealward-hsm process as an operator sees it.
struct ProcessStatus {
  int pid = 0;
  bool ready = false;
  int restarts = 0;
  int64_t signatures = 0;
};

// PartitionStatus is the partition as an operator sees it.
struct PartitionStatus {
  hsm::v1::Description description;
  bool pin_latched = false;
  BreakerState breaker = BreakerState::kClosed;
  std::string alarm;
  std::vector<ProcessStatus> processes;
};

// Partition carries out operations on an HSM partition. Thread-safe.
//
// Errors: UNAVAILABLE with RetryInfo (HSM_UNAVAILABLE) where no process is
// ready, the HSM is known to be gone (circuit_breaker.h: at once, nothing waits), or
// the process that had the operation died; RESOURCE_EXHAUSTED with
// RetryInfo (QUEUE_FULL, or OVERLOADED where the deadline would pass in the
// queue); DEADLINE_EXCEEDED where the deadline passed before the operation was
// sent; else what sealward-hsm answered.
class Partition {
 public:
  virtual ~Partition() = default;

  // Called once, on a reader thread, with the result; must not block.
  using Done = absl::AnyInvocable<void(absl::StatusOr<hsm::v1::Result>)>;

  // One operation with its deadline and what to do with the result. Signatures
  // of one flow (a tenant) are made in order and share the processes fairly with
  // other flows, by `cost` (cost.h).
  struct Submission {
    hsm::v1::Operation operation;
    absl::Time deadline;
    Done done;
    uint64_t flow = 0;
    int cost = 1;
  };

  // Queues one operation for any process.
  virtual void Submit(Submission submission) = 0;

  // Queues many at once, so that they share packets.
  virtual void SubmitAll(std::vector<Submission> submissions) {
    for (Submission& each : submissions) {
      Submit(std::move(each));
    }
  }

  // As Submit, and waits. Not for the sign path.
  virtual absl::StatusOr<hsm::v1::Result> Call(hsm::v1::Operation operation,
                                               absl::Time deadline) = 0;

  // Makes every process drop what it keeps of these objects (CKA_IDs): handles, marks,
  // session copies. Once it returns OK, nothing will come of what a process knew of them
  // before the call: each that runs has acknowledged, or has ended; one that does
  // neither within kForgetTimeout (dispatcher.h) is replaced; and one that is on its
  // way is told before it gets work. Without any process it is OK. Not for the sign path.
  // DEADLINE_EXCEEDED (FORGET_PENDING): some have not yet; it goes on.
  // RESOURCE_EXHAUSTED with RetryInfo (QUEUE_FULL): nothing was done, or a part of it.
  virtual absl::Status ForgetEverywhere(std::span<const std::string> object_ids,
                                        absl::Time deadline) = 0;

  virtual PartitionStatus Status() const = 0;
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_PARTITION_H_
