// The partition's queue and the rule by which packets are made of it.
#ifndef SEALWARD_SERVER_HSM_CLIENT_OPERATION_QUEUE_H_
#define SEALWARD_SERVER_HSM_CLIENT_OPERATION_QUEUE_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/time/time.h"
#include "server/hsm_client/fair_queue.h"
#include "server/hsm_client/partition.h"

namespace sealward::hsm_client {

// Whether an operation is one of the many and quick; the rest is rare and slow.
bool IsSigning(const hsm::v1::Operation& operation);

// OperationQueue holds what waits for a process, in two lanes: signing, shared
// out fairly among the flows (fair_queue.h), and the slow rest (generation takes
// up to seconds), which gets a process to itself so that no signature waits
// behind it. Not thread-safe.
class OperationQueue {
 public:
  // Whether Push may be called with `submission`: neither its lane nor its flow's
  // share of it is full.
  bool HasRoomFor(const Partition::Submission& submission) const;

  // What is served before `submission` if it is pushed now (fair_queue.h).
  // Nothing is known of the slow lane: zero.
  int64_t CostAhead(const Partition::Submission& submission) const;

  // REQUIRES: HasRoomFor.
  void Push(Partition::Submission submission);

  // The next packet of signing operations: min(kMaxOperationsPerPacket, waiting
  // over processes, `max_cost`, kMaxPacketBytes); at least one operation,
  // whatever it costs. No timer: what waits goes as soon as a
  // window opens, so packets grow with load. Operations whose deadline has
  // passed are put in `expired` instead.
  std::vector<Partition::Submission> TakeSigning(size_t processes, int max_cost, absl::Time now,
                                                 std::vector<Partition::Submission>& expired);

  // The next slow operation, alone; empty if there is none.
  std::vector<Partition::Submission> TakeSlow(absl::Time now,
                                              std::vector<Partition::Submission>& expired);

  // Everything that waits, leaving nothing.
  std::vector<Partition::Submission> TakeAll();

  bool has_slow() const { return !slow_.empty(); }
  size_t size() const { return signing_.size() + slow_.size(); }

 private:
  FairQueue signing_{kMaxQueuedOperations};
  std::deque<Partition::Submission> slow_;
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_OPERATION_QUEUE_H_
