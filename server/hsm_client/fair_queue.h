// Operations that wait, shared out fairly among the tenants they belong to.
#ifndef SEALWARD_SERVER_HSM_CLIENT_FAIR_QUEUE_H_
#define SEALWARD_SERVER_HSM_CLIENT_FAIR_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/hsm_client/partition.h"

namespace sealward::hsm_client {

// What a flow may take in one turn, in units of cost. Small, so that whoever
// comes waits for little of the others' turns; a costlier operation saves up
// over several.
inline constexpr int kQuantum = 8;

// FairQueue serves flows by deficit round robin (Shreedhar and Varghese, 1995):
// each flow in turn gets kQuantum to spend, keeps what it could not spend while
// it has operations waiting, and loses it when it has none. Within a flow the
// order is that of Push. So over any span in which two flows always have
// operations waiting, their served costs differ by at most kQuantum and the
// costliest operation of each, whatever each of them queues.
//
// Room is shared out too (Choudhury and Hahne's dynamic threshold): a flow may
// hold no more than what is free. One alone gets half of the queue, n floods
// 1/(n+1) each, and whoever comes then still finds as much.
//
// Push, Front and Pop take amortised constant time: a turn is given at most
// cost / kQuantum times for an operation. Not thread-safe.
class FairQueue {
 public:
  // REQUIRES: max_size > 0.
  explicit FairQueue(size_t max_size) : max_size_(max_size) {}

  bool HasRoomFor(uint64_t flow) const;

  // REQUIRES: HasRoomFor its flow; its cost is positive.
  void Push(Partition::Submission submission);

  // The operation whose turn it is. REQUIRES: !empty().
  Partition::Submission& Front();

  // Removes that operation, at its flow's expense.
  Partition::Submission Pop();

  // Removes it at nobody's expense: it will not be carried out.
  Partition::Submission Drop();

  // Everything, each flow's in the order of Push.
  std::vector<Partition::Submission> TakeAll();

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // What is to be served before an operation of `cost` that is pushed now into
  // `flow`: at most what waits, and of the others no more than their turns while
  // the flow's own operations get theirs.
  int64_t CostAhead(uint64_t flow, int cost) const;

 private:
  struct Flow {
    uint64_t id = 0;
    std::deque<Partition::Submission> waiting;
    int64_t waiting_cost = 0;
    int64_t deficit = 0;
  };

  // Makes a flow of which nothing waits yet; its index in flows_.
  size_t Open(uint64_t id);
  // Of the flow whose turn it is.
  Partition::Submission TakeFront();
  void Close(size_t slot);

  const size_t max_size_;
  size_t size_ = 0;
  int64_t cost_ = 0;
  // Flows with operations waiting, and slots to use again (with their memory).
  std::deque<Flow> flows_;
  std::vector<size_t> free_;
  absl::flat_hash_map<uint64_t, size_t> index_;
  // Whose turn it is, and who comes after that.
  std::deque<size_t> turns_;
  bool turn_given_ = false;  // whether the first of turns_ has its kQuantum
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_FAIR_QUEUE_H_
