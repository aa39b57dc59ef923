// An HSM partition in memory, with real keys and with faults on demand.
#ifndef SEALWARD_TESTS_FAKES_FAKE_PARTITION_H_
#define SEALWARD_TESTS_FAKES_FAKE_PARTITION_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/hsm_client/partition.h"

namespace sealward::fakes {

// FakePartition behaves like a partition behind one sealward-hsm process. Keys
// are OpenSSL's; answers come before Submit returns. Thread-safe.
class FakePartition final : public hsm_client::Partition {
 public:
  FakePartition();
  ~FakePartition() override;

  // Every operation answers UNAVAILABLE, as without a process.
  void SetAvailable(bool available);
  // The next `count` Generate requests make the key, but the answer is lost:
  // the process died in between.
  void LoseAnswersOfGenerate(int count);
  // The next operation is answered with this result, undone.
  void AnswerNextWith(hsm::v1::Result result);
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
  void AddObject(const std::string& object_id, const std::string& key);
  void SetUnattributable(uint32_t count);

  // Requests of any kind, and key pairs made.
  int generate_requests() const;
  int key_pairs_made() const;
  size_t object_count() const;

  void Submit(Submission submission) override;
  absl::StatusOr<hsm::v1::Result> Call(hsm::v1::Operation operation, absl::Time deadline) override;
  hsm_client::PartitionStatus Status() const override;

 private:
  struct Object;

  hsm::v1::Result Generate(const hsm::v1::Generate& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result GetPublicKey(const hsm::v1::ObjectRef& ref) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result Sign(const hsm::v1::SignJws& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hsm::v1::Result List(const hsm::v1::List& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Make(const hsm::v1::ObjectRef& ref, v1::Algorithm algorithm)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::map<std::string, std::unique_ptr<Object>> objects_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Algorithm> algorithms_ ABSL_GUARDED_BY(mu_);
  std::optional<hsm::v1::Result> next_answer_ ABSL_GUARDED_BY(mu_);
  bool available_ ABSL_GUARDED_BY(mu_) = true;
  bool block_generate_ ABSL_GUARDED_BY(mu_) = false;
  int blocked_ ABSL_GUARDED_BY(mu_) = 0;
  int answers_to_lose_ ABSL_GUARDED_BY(mu_) = 0;
  int generate_requests_ ABSL_GUARDED_BY(mu_) = 0;
  int key_pairs_made_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t unattributable_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_FAKE_PARTITION_H_
