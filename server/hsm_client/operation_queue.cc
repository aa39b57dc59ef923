#include "server/hsm_client/operation_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/packet_socket.h"

namespace sealward::hsm_client {
namespace {

// Room for everything in a packet but the signing inputs: names, ids, tags.
constexpr size_t kOverheadBytes = 512;

size_t SizeOf(const Partition::Submission& submission) {
  return submission.operation.sign_jws().signing_input().size() +
         submission.operation.sign_raw().message().size() + kOverheadBytes;
}

}  // namespace

bool IsSigning(const hsm::v1::Operation& operation) {
  return operation.has_sign_jws() || operation.has_sign_raw();
}

bool OperationQueue::HasRoomFor(const Partition::Submission& submission) const {
  if (IsSigning(submission.operation)) return signing_.HasRoomFor(submission.flow);
  return slow_.size() < kMaxQueuedSlowOperations;
}

int64_t OperationQueue::CostAhead(const Partition::Submission& submission) const {
  if (!IsSigning(submission.operation)) return 0;
  return signing_.CostAhead(submission.flow, submission.cost);
}

void OperationQueue::Push(Partition::Submission submission) {
  if (IsSigning(submission.operation)) {
    signing_.Push(std::move(submission));
  } else {
    slow_.push_back(std::move(submission));
  }
}

std::vector<Partition::Submission> OperationQueue::TakeSigning(
    size_t processes, int max_cost, absl::Time now, std::vector<Partition::Submission>& expired) {
  const size_t share = (signing_.size() + processes - 1) / std::max<size_t>(processes, 1);
  const size_t limit = std::min<size_t>(share, kMaxOperationsPerPacket);
  std::vector<Partition::Submission> taken;
  taken.reserve(limit);
  size_t bytes = 0;
  int cost = 0;
  while (!signing_.empty() && taken.size() < limit) {
    const Partition::Submission& next = signing_.Front();
    if (next.deadline <= now) {
      expired.push_back(signing_.Drop());
      continue;
    }
    if (bytes + SizeOf(next) > kMaxPacketBytes) break;
    if (!taken.empty() && cost + next.cost > max_cost) break;
    bytes += SizeOf(next);
    cost += next.cost;
    taken.push_back(signing_.Pop());
  }
  return taken;
}

std::vector<Partition::Submission> OperationQueue::TakeSlow(
    absl::Time now, std::vector<Partition::Submission>& expired) {
  std::vector<Partition::Submission> taken;
  while (!slow_.empty() && taken.empty()) {
    (slow_.front().deadline <= now ? expired : taken).push_back(std::move(slow_.front()));
    slow_.pop_front();
  }
  return taken;
}

std::vector<Partition::Submission> OperationQueue::TakeAll() {
  std::vector<Partition::Submission> taken = signing_.TakeAll();
  std::ranges::move(slow_, std::back_inserter(taken));
  slow_.clear();
  return taken;
}

}  // namespace sealward::hsm_client
