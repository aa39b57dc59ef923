// One operation to every process of a partition, and the wait for all of them.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/hsm_client/process_partition.h"

namespace sealward::hsm_client {
namespace {

// Acknowledgements counts those that are still to come. Shared with the operations
// under way: who waits may give up before they are over.
class Acknowledgements {
 public:
  void Expect(size_t count) {
    absl::MutexLock lock(&mu_);
    left_ += count;
  }
  void Take() {
    absl::MutexLock lock(&mu_);
    --left_;
  }
  // How many are left after `timeout`.
  size_t Await(absl::Duration timeout) {
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(
        absl::Condition(+[](size_t* left) { return *left == 0; }, &left_), timeout);
    return left_;
  }

 private:
  absl::Mutex mu_;
  size_t left_ ABSL_GUARDED_BY(mu_) = 0;
};

// An answer, or the end of the process: it has forgotten either way.
std::vector<Partition::Submission> Forgets(std::span<const std::string> object_ids,
                                           const std::shared_ptr<Acknowledgements>& acks) {
  std::vector<Partition::Submission> forgets(object_ids.size());
  for (size_t i = 0; i < object_ids.size(); ++i) {
    forgets[i].operation.mutable_forget()->set_object_id(object_ids[i]);
    forgets[i].deadline = absl::InfiniteFuture();
    forgets[i].done = [acks](const absl::StatusOr<hsm::v1::Result>&) { acks->Take(); };
  }
  return forgets;
}

}  // namespace

absl::Status ProcessPartition::ForgetEverywhere(std::span<const std::string> object_ids,
                                                absl::Time deadline) {
  std::vector<int> slots;
  {
    absl::MutexLock lock(&mu_);
    for (size_t i = 0; i < slots_.size(); ++i) {
      // One that is started from now on knows nothing older than this call.
      if (slots_[i].phase != Phase::kDown) slots.push_back(static_cast<int>(i));
    }
  }
  const auto acks = std::make_shared<Acknowledgements>();
  for (const int slot : slots) {
    acks->Expect(object_ids.size());
    Dispatcher::Work work;
    const bool taken = dispatcher_.SubmitTo(slot, Forgets(object_ids, acks), options_.clock->Now(),
                                            options_.steady(), work);
    Carry(std::move(work));
    if (!taken) {
      return MakeRetryableError(
          absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
          "too many keys at once are to be forgotten by the HSM processes; try again",
          kQueueFullRetryDelay);
    }
  }
  const size_t left = acks->Await(deadline - options_.clock->Now());
  if (left == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDeadlineExceeded, "FORGET_PENDING",
                   absl::StrCat("not every sealward-hsm process has forgotten the key yet (", left,
                                " acknowledgements are missing); those that do not answer are "
                                "being replaced"));
}

}  // namespace sealward::hsm_client
