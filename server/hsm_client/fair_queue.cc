#include "server/hsm_client/fair_queue.h"

#include <algorithm>
#include <utility>

namespace sealward::hsm_client {

bool FairQueue::HasRoomFor(uint64_t flow) const {
  const auto found = index_.find(flow);
  const size_t held = found == index_.end() ? 0 : flows_[found->second].waiting.size();
  return size_ < max_size_ && held < max_size_ - size_;
}

size_t FairQueue::Open(uint64_t id) {
  size_t slot = flows_.size();
  if (free_.empty()) {
    flows_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  flows_[slot].id = id;
  flows_[slot].deficit = 0;
  index_[id] = slot;
  turns_.push_back(slot);
  return slot;
}

void FairQueue::Push(Partition::Submission submission) {
  const auto found = index_.find(submission.flow);
  Flow& flow = flows_[found == index_.end() ? Open(submission.flow) : found->second];
  ++size_;
  cost_ += submission.cost;
  flow.waiting_cost += submission.cost;
  flow.waiting.push_back(std::move(submission));
}

Partition::Submission& FairQueue::Front() {
  for (;;) {
    Flow& flow = flows_[turns_.front()];
    if (!turn_given_) flow.deficit += kQuantum;
    turn_given_ = true;
    if (flow.deficit >= flow.waiting.front().cost) return flow.waiting.front();
    turns_.push_back(turns_.front());
    turns_.pop_front();
    turn_given_ = false;
  }
}

Partition::Submission FairQueue::Pop() {
  const int cost = Front().cost;
  flows_[turns_.front()].deficit -= cost;
  return TakeFront();
}

Partition::Submission FairQueue::Drop() {
  Front();
  return TakeFront();
}

Partition::Submission FairQueue::TakeFront() {
  const size_t slot = turns_.front();
  Flow& flow = flows_[slot];
  Partition::Submission taken = std::move(flow.waiting.front());
  flow.waiting.pop_front();
  --size_;
  cost_ -= taken.cost;
  flow.waiting_cost -= taken.cost;
  if (flow.waiting.empty()) Close(slot);
  return taken;
}

// REQUIRES: it is the flow's turn.
void FairQueue::Close(size_t slot) {
  index_.erase(flows_[slot].id);
  free_.push_back(slot);
  turns_.pop_front();
  turn_given_ = false;
}

std::vector<Partition::Submission> FairQueue::TakeAll() {
  std::vector<Partition::Submission> taken;
  taken.reserve(size_);
  while (!empty()) taken.push_back(Drop());
  return taken;
}

int64_t FairQueue::CostAhead(uint64_t flow, int cost) const {
  const auto found = index_.find(flow);
  const int64_t own = found == index_.end() ? 0 : flows_[found->second].waiting_cost;
  const auto others = static_cast<int64_t>(index_.size()) - (found == index_.end() ? 0 : 1);
  return own + std::min(cost_ - own, others * (own + cost + kQuantum));
}

}  // namespace sealward::hsm_client
