// FakePartition as a test sees it: what it sets before, and asks after.
#include <utility>

#include "tests/fakes/fake_partition.h"
#include "tests/fakes/fake_partition_object.h"

namespace sealward::fakes {

void FakePartition::SetAvailable(bool available) {
  absl::MutexLock lock(&mu_);
  available_ = available;
}

void FakePartition::LoseAnswersOf(Verb verb, int count) {
  absl::MutexLock lock(&mu_);
  answers_to_lose_[verb] = count;
}

void FakePartition::InterruptNextDestroy() {
  absl::MutexLock lock(&mu_);
  interrupt_destroy_ = true;
}

void FakePartition::AnswerNextWith(hsm::v1::Result result) {
  absl::MutexLock lock(&mu_);
  next_answer_ = std::move(result);
}

void FakePartition::AnswerNextOf(Verb verb, hsm::v1::Result result) {
  absl::MutexLock lock(&mu_);
  next_answers_[verb] = std::move(result);
}

void FakePartition::BlockGenerate() {
  absl::MutexLock lock(&mu_);
  block_generate_ = true;
}

void FakePartition::Unblock() {
  absl::MutexLock lock(&mu_);
  block_generate_ = false;
}

void FakePartition::AwaitBlockedGenerate() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(+[](int* blocked) { return *blocked > 0; }, &blocked_));
}

void FakePartition::AwaitKeyPairs(int count) {
  absl::MutexLock lock(&mu_);
  const auto are_made = [this, count] {
    mu_.AssertReaderHeld();
    return key_pairs_made_ >= count;
  };
  mu_.Await(absl::Condition(&are_made));
}

void FakePartition::SetAlgorithms(std::vector<v1::Algorithm> algorithms) {
  absl::MutexLock lock(&mu_);
  algorithms_ = std::move(algorithms);
}

void FakePartition::RemoveObject(const std::string& object_id) {
  absl::MutexLock lock(&mu_);
  objects_.erase(object_id);
}

void FakePartition::ReplaceKeyPair(const std::string& object_id) {
  absl::MutexLock lock(&mu_);
  Object& object = *objects_.at(object_id);
  object.key = FakeKey::Make(*object.algorithm);
}

void FakePartition::AddObject(const std::string& object_id, const std::string& key,
                              hsm::v1::ObjectPurpose purpose) {
  absl::MutexLock lock(&mu_);
  hsm::v1::ObjectRef ref;
  ref.set_object_id(object_id);
  ref.set_key(key);
  ref.set_purpose(purpose);
  Make(ref, v1::ALGORITHM_ES256);
}

void FakePartition::SetUnattributable(uint32_t count) {
  absl::MutexLock lock(&mu_);
  unattributable_ = count;
}

void FakePartition::AddUnattributable(const std::string& object_id) { AddObject(object_id, ""); }

void FakePartition::SetLeastDestroyWindow(absl::Duration window) {
  absl::MutexLock lock(&mu_);
  least_window_ = window;
}

void FakePartition::SetHasMarks(bool has_marks) {
  absl::MutexLock lock(&mu_);
  has_marks_ = has_marks;
}

void FakePartition::SetEpoch(const hsm::v1::Epoch& epoch) {
  absl::MutexLock lock(&mu_);
  marks_.set_epoch(epoch);
}

std::optional<hsm::v1::Mark> FakePartition::mark(const std::string& object_id) const {
  absl::MutexLock lock(&mu_);
  return marks_.Get(object_id);
}

hsm::v1::Epoch FakePartition::epoch() const {
  absl::MutexLock lock(&mu_);
  return marks_.epoch();
}

bool FakePartition::has_object(const std::string& object_id) const {
  absl::MutexLock lock(&mu_);
  return objects_.contains(object_id);
}

int FakePartition::requests(Verb verb) const {
  absl::MutexLock lock(&mu_);
  const auto found = requests_.find(verb);
  return found == requests_.end() ? 0 : found->second;
}

int FakePartition::key_pairs_made() const {
  absl::MutexLock lock(&mu_);
  return key_pairs_made_;
}

size_t FakePartition::object_count() const {
  absl::MutexLock lock(&mu_);
  return objects_.size();
}

void FakePartition::FailNextForget() {
  absl::MutexLock lock(&mu_);
  fail_forget_ = true;
}

std::vector<std::string> FakePartition::forgotten() const {
  absl::MutexLock lock(&mu_);
  return forgotten_;
}

}  // namespace sealward::fakes
