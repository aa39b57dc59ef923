// The verbs on a real partition.
#ifndef SEALWARD_HSM_PARTITION_H_
#define SEALWARD_HSM_PARTITION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/verifier.h"
#include "hsm/data_objects.h"
#include "hsm/disposal.h"
#include "hsm/epoch_store.h"
#include "hsm/generator.h"
#include "hsm/key_store.h"
#include "hsm/mark_store.h"
#include "hsm/open_partition.h"
#include "hsm/parallel_signer.h"
#include "hsm/partition_writer.h"
#include "hsm/session_copies.h"
#include "hsm/signer.h"
#include "hsm/verbs.h"

namespace sealward::hsm {

// Partition serves the partition that a process is logged in to. Not
// thread-safe.
class Partition final : public Verbs {
 public:
  // Reads the index, makes the canary where there is none, and signs with it:
  // the self-test before a process reports ready. `peer_fd` as in
  // PartitionLock; `clock` outlives the Partition.
  static absl::StatusOr<std::unique_ptr<Partition>> Create(std::unique_ptr<OpenPartition> open,
                                                           const Clock& clock, int peer_fd);

  absl::Status SignJws(const v1::SignJws& request, v1::Signature& out) override;
  bool signs_in_parallel() const override { return parallel_ != nullptr; }
  void BeginSigning(std::span<SignTask> tasks) override;
  bool OldestIsSigned() override { return parallel_->OldestIsDone(); }
  EventFlag* signed_flag() override { return parallel_ ? &parallel_->done() : nullptr; }
  void FinishSigning() override;
  absl::Status AbandonSigning() override;
  absl::Status SignRaw(const v1::SignRaw& request, v1::Signature& out) override;
  absl::Status Generate(const v1::Generate& request, v1::PublicKey& out) override;
  absl::Status GetPublicKey(const v1::GetPublicKey& request, v1::PublicKey& out) override;
  absl::Status Forget(const v1::Forget& request) override;
  absl::Status List(const v1::List& request, size_t room_bytes, v1::ObjectList& out) override;
  absl::Status Describe(v1::Description& out) override;
  absl::Status CheckHealth() override;
  absl::Status ScheduleDestroy(const v1::ScheduleDestroy& request) override;
  absl::Status Destroy(const v1::Destroy& request) override;
  absl::Status CancelDestroy(const v1::CancelDestroy& request) override;
  absl::Status Revoke(const v1::Revoke& request) override;
  absl::Status ListMarks(const v1::ListMarks& request, size_t room_bytes,
                         v1::MarkList& out) override;
  absl::Status ReadEpoch(v1::Epoch& out) override;
  absl::Status AdvanceEpoch(const v1::AdvanceEpoch& request, v1::Epoch& out) override;

  const OpenPartition& open() const { return *open_; }

 private:
  // A packet whose signatures are under way; `tried` are those with a job, in order.
  struct Signing {
    explicit Signing(std::span<SignTask> all) : tasks(all) {}

    std::span<SignTask> tasks;
    std::vector<SignTask*> tried;
    std::vector<uint64_t*> counters;  // of their pairs; outlive the KeyObjects
  };

  Partition(std::unique_ptr<OpenPartition> open, const Clock& clock, int peer_fd);

  absl::StatusOr<KeyObject*> FindFor(const v1::ObjectRef& ref);
  absl::StatusOr<KeyObject*> FindSigning(const v1::ObjectRef& ref, v1::ObjectPurpose purpose);
  absl::StatusOr<SignJob> Prepare(const SignTask& task);
  absl::StatusOr<SignJob> Prepare(const v1::SignJws& request);
  absl::StatusOr<SignJob> Prepare(const v1::SignRaw& request);
  absl::Status SignOne(absl::StatusOr<SignJob> job, v1::Signature& out);
  std::vector<SignTask*> TakeOutcomes(const Signing& signing);
  absl::Status EnsureCanary();
  absl::Status DestroyUnfinished();

  std::unique_ptr<OpenPartition> open_;
  PartitionWriter writer_;
  SessionCopies copies_;
  DataObjects data_objects_;
  MarkStore marks_;
  KeyStore keys_;
  Disposal disposal_;
  EpochStore epoch_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<ParallelSigner> parallel_;  // where the profile has several sessions
  std::deque<Signing> signing_;               // under way in it, the oldest in front
  std::unique_ptr<Generator> generator_;
  std::unique_ptr<Verifier> canary_verifier_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PARTITION_H_
