// An HSM partition in memory, with real keys and with faults on demand.
#ifndef SEALWARD_TESTS_FAKES_FAKE_PARTITION_H_
#define SEALWARD_TESTS_FAKES_FAKE_PARTITION_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "server/hsm_client/partition.h"
#include "tests/fakes/fake_marks.h"

namespace sealward::fakes {

// The fake's least window between ScheduleDestroy and Destroy, as sealward-hsm's.
inline constexpr absl::Duration kLeastDestroyWindow = absl::Hours(24);

// FakePartition behaves like a partition behind one sealward-hsm process. Keys
// are OpenSSL's; answers come before Submit returns. Thread-safe.
class FakePartition final : public hsm_client::Partition {
 public:
  using Verb = hsm::v1::Operation::VerbCase;

  // `clock`, for destroy windows, outlives the partition; nullptr is the system's.
  explicit FakePartition(const Clock* clock = nullptr);
  ~FakePartition() override;

  // Every operation answers UNAVAILABLE, as without a process.
  void SetAvailable(bool available);
  // The next `count` operations of this verb are done, but the answer is lost: the
  // process died in between.
  void LoseAnswersOf(Verb verb, int count);
  void LoseAnswersOfGenerate(int count) { LoseAnswersOf(hsm::v1::Operation::kGenerate, count); }
  // The next Destroy ends after its first step: the tombstone is there, the pair
  // too, and the answer is lost.
  void InterruptNextDestroy();
  // The next operation, or the next of this verb, is answered with this result,
  // undone.
  void AnswerNextWith(hsm::v1::Result result);
  void AnswerNextOf(Verb verb, hsm::v1::Result result);
  // While blocked, Generate waits; Unblock lets all go on.
  void BlockGenerate();
  void Unblock();
  // Waits until a Generate is blocked.
  void AwaitBlockedGenerate();
  // Waits until that many key pairs were made.
  void AwaitKeyPairs(int count);
  // Algorithms that the description lists; all by default.
  void SetAlgorithms(std::vector<v1::Algorithm> algorithms);
  // Takes an object away, or gives it another key pair of the same kind.
  void RemoveObject(const std::string& object_id);
  void ReplaceKeyPair(const std::string& object_id);
  // Makes an object that nobody asked for.
  void AddObject(const std::string& object_id, const std::string& key,
                 hsm::v1::ObjectPurpose purpose = hsm::v1::OBJECT_PURPOSE_JWT);
  // Makes one that no label attributes: List counts it, Destroy takes it by its id.
  void AddUnattributable(const std::string& object_id);
  // As many more that have no id either.
  void SetUnattributable(uint32_t count);
  void SetLeastDestroyWindow(absl::Duration window);
  // An HSM without data objects: no marks, no epoch.
  void SetHasMarks(bool has_marks);
  // The next ForgetEverywhere fails: a process has not acknowledged by the deadline.
  void FailNextForget();
  // Each object that every process was told to forget, in order.
  std::vector<std::string> forgotten() const;
  // What an older or newer store left behind.
  void SetEpoch(const hsm::v1::Epoch& epoch);

  // The highest mark of an object; the epoch, empty before the first.
  std::optional<hsm::v1::Mark> mark(const std::string& object_id) const;
  hsm::v1::Epoch epoch() const;
  bool has_object(const std::string& object_id) const;

  // Requests so far, refused ones too, and key pairs made.
  int requests(Verb verb) const;
  int generate_requests() const { return requests(hsm::v1::Operation::kGenerate); }
  int key_pairs_made() const;
  size_t object_count() const;

  void Submit(Submission submission) override;
  absl::StatusOr<hsm::v1::Result> Call(hsm::v1::Operation operation, absl::Time deadline) override;
  // As from one process; while unavailable there is none, so that it succeeds.
  absl::Status ForgetEverywhere(std::span<const std::string> object_ids,
                                absl::Time deadline) override;
  hsm_client::PartitionStatus Status() const override;

 private:
  struct Object;

  hsm::v1::Result Carry(const hsm::v1::Operation& operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result CarryMarks(const hsm::v1::Operation& operation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckRef(const hsm::v1::ObjectRef& ref, int64_t time_us = 1) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status Destroy(const hsm::v1::Destroy& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result Generate(const hsm::v1::Generate& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result GetPublicKey(const hsm::v1::ObjectRef& ref) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Object*> FindSigning(const hsm::v1::ObjectRef& ref)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result Sign(const hsm::v1::SignJws& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result SignRaw(const hsm::v1::SignRaw& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result List(const hsm::v1::List& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Make(const hsm::v1::ObjectRef& ref, v1::Algorithm algorithm)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;
  mutable absl::Mutex mu_;
  std::map<std::string, std::unique_ptr<Object>> objects_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Algorithm> algorithms_ ABSL_GUARDED_BY(mu_);
  FakeMarks marks_ ABSL_GUARDED_BY(mu_);
  std::optional<hsm::v1::Result> next_answer_ ABSL_GUARDED_BY(mu_);
  std::map<Verb, hsm::v1::Result> next_answers_ ABSL_GUARDED_BY(mu_);
  std::map<Verb, int> answers_to_lose_ ABSL_GUARDED_BY(mu_);
  std::map<Verb, int> requests_ ABSL_GUARDED_BY(mu_);
  absl::Duration least_window_ ABSL_GUARDED_BY(mu_) = kLeastDestroyWindow;
  bool has_marks_ ABSL_GUARDED_BY(mu_) = true;
  std::vector<std::string> forgotten_ ABSL_GUARDED_BY(mu_);
  bool fail_forget_ ABSL_GUARDED_BY(mu_) = false;
  bool interrupt_destroy_ ABSL_GUARDED_BY(mu_) = false;
  bool available_ ABSL_GUARDED_BY(mu_) = true;
  bool block_generate_ ABSL_GUARDED_BY(mu_) = false;
  int blocked_ ABSL_GUARDED_BY(mu_) = 0;
  int key_pairs_made_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t unattributable_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_FAKE_PARTITION_H_
