// FakePartition as the service sees it: what its verbs do.
#include "tests/fakes/fake_partition.h"

#include <utility>

#include "common/algorithms.h"
#include "common/errors.h"
#include "tests/fakes/fake_partition_object.h"

namespace sealward::fakes {
namespace {

using hsm::v1::Result;

constexpr size_t kObjectIdBytes = 16;

Result Error(absl::StatusCode code, const std::string& message) {
  Result result;
  result.set_code(static_cast<int>(code));
  result.set_message(message);
  return result;
}

Result From(const absl::Status& status) {
  Result result;
  if (status.ok()) return result;
  result.set_code(static_cast<int>(status.code()));
  result.set_message(std::string(status.message()));
  result.set_reason(ErrorReason(status));
  return result;
}

absl::Status Mismatch() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "OBJECT_MISMATCH",
                   "the object carries another key's name");
}

absl::Status NotFound() {
  return MakeError(absl::StatusCode::kNotFound, "OBJECT_NOT_FOUND", "no such object");
}

absl::Status InvalidRef(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "OBJECT_REF_INVALID", message);
}

// What sealward-hsm finds wrong with a request before it looks at the partition.
absl::Status Check(const hsm::v1::ObjectRef& ref, int64_t time_us) {
  const bool bare = ref.key().empty() && ref.purpose() == hsm::v1::OBJECT_PURPOSE_UNSPECIFIED;
  const bool whole = !ref.key().empty() && ref.purpose() == hsm::v1::OBJECT_PURPOSE_JWT;
  if (ref.object_id().size() != kObjectIdBytes || (!bare && !whole)) {
    return InvalidRef("the reference names half an object");
  }
  return time_us > 0 ? absl::OkStatus() : InvalidRef("a time is after the Unix epoch");
}

// Verbs that an HSM without data objects does not have.
bool NeedsMarks(hsm::v1::Operation::VerbCase verb) {
  switch (verb) {
    case hsm::v1::Operation::kScheduleDestroy:
    case hsm::v1::Operation::kDestroy:
    case hsm::v1::Operation::kCancelDestroy:
    case hsm::v1::Operation::kRevoke:
    case hsm::v1::Operation::kListMarks:
    case hsm::v1::Operation::kReadEpoch:
    case hsm::v1::Operation::kAdvanceEpoch:
      return true;
    default:
      return false;
  }
}

const Clock& RealClock() {
  static const SystemClock clock;
  return clock;
}

absl::Status Unavailable() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                            "no sealward-hsm process is ready", absl::Seconds(1));
}

}  // namespace

FakePartition::FakePartition(const Clock* clock) : clock_(clock ? *clock : RealClock()) {
  for (const AlgorithmInfo& each : AllAlgorithms()) algorithms_.push_back(each.algorithm);
}
FakePartition::~FakePartition() = default;

void FakePartition::Submit(Submission submission) {
  submission.done(Call(std::move(submission.operation), submission.deadline));
}

absl::StatusOr<Result> FakePartition::Call(hsm::v1::Operation operation, absl::Time /*deadline*/) {
  absl::MutexLock lock(&mu_);
  const Verb verb = operation.verb_case();
  ++requests_[verb];
  if (operation.has_generate()) {
    ++blocked_;
    mu_.Await(absl::Condition(+[](bool* blocked) { return !*blocked; }, &block_generate_));
    --blocked_;
  }
  if (!available_) return Unavailable();
  if (next_answer_) return *std::exchange(next_answer_, std::nullopt);
  if (auto answer = next_answers_.extract(verb)) return answer.mapped();
  if (operation.has_destroy() && interrupt_destroy_) {
    interrupt_destroy_ = false;
    absl::Status begun = CheckRef(operation.destroy().object());
    if (begun.ok()) begun = marks_.BeginDestroy(operation.destroy(), clock_.Now());
    return Unavailable();
  }
  Result result = Carry(operation);
  int& to_lose = answers_to_lose_[verb];
  if (to_lose == 0) return result;
  --to_lose;
  return Unavailable();
}

Result FakePartition::Carry(const hsm::v1::Operation& operation) {
  switch (operation.verb_case()) {
    case hsm::v1::Operation::kGenerate:
      return Generate(operation.generate());
    case hsm::v1::Operation::kGetPublicKey:
      return GetPublicKey(operation.get_public_key().object());
    case hsm::v1::Operation::kSignJws:
      return Sign(operation.sign_jws());
    case hsm::v1::Operation::kSignRaw:
      return SignRaw(operation.sign_raw());
    case hsm::v1::Operation::kList:
      return List(operation.list());
    default:
      return CarryMarks(operation);
  }
}

Result FakePartition::CarryMarks(const hsm::v1::Operation& operation) {
  if (!has_marks_ && NeedsMarks(operation.verb_case())) {
    return From(MakeError(absl::StatusCode::kUnimplemented, "NO_DATA_OBJECTS",
                          "the partition has no data objects, so no marks and no epoch"));
  }
  Result result;
  absl::Status status;
  switch (operation.verb_case()) {
    case hsm::v1::Operation::kScheduleDestroy:
      status = CheckRef(operation.schedule_destroy().object(),
                        operation.schedule_destroy().destroy_time_us());
      if (status.ok()) {
        status = marks_.Schedule(operation.schedule_destroy(), clock_.Now(), least_window_);
      }
      break;
    case hsm::v1::Operation::kDestroy:
      status = Destroy(operation.destroy());
      break;
    case hsm::v1::Operation::kCancelDestroy:
      status = CheckRef(operation.cancel_destroy().object());
      if (status.ok()) status = marks_.Cancel(operation.cancel_destroy());
      break;
    case hsm::v1::Operation::kRevoke:
      status = operation.revoke().object().key().empty()
                   ? InvalidRef("only a key's pair can be revoked")
                   : CheckRef(operation.revoke().object(), operation.revoke().revoke_time_us());
      if (status.ok()) status = marks_.Revoke(operation.revoke());
      break;
    case hsm::v1::Operation::kListMarks:
      if (operation.list_marks().limit() < 1) return From(InvalidRef("a list has a limit"));
      *result.mutable_mark_list() = marks_.List(operation.list_marks());
      break;
    case hsm::v1::Operation::kReadEpoch:
      *result.mutable_epoch() = marks_.epoch();
      break;
    case hsm::v1::Operation::kAdvanceEpoch:
      status = marks_.Advance(operation.advance_epoch());
      if (status.ok()) *result.mutable_epoch() = marks_.epoch();
      break;
    default:
      break;  // Forget, CheckHealth: nothing to do here
  }
  return status.ok() ? result : From(status);
}

// Whether the object, or what is remembered of it, is the one that `ref` names.
absl::Status FakePartition::CheckRef(const hsm::v1::ObjectRef& ref, int64_t time_us) const {
  if (absl::Status s = Check(ref, time_us); !s.ok()) return s;
  const auto found = objects_.find(ref.object_id());
  if (found != objects_.end() && found->second->ref.key() != ref.key()) return Mismatch();
  if (absl::Status s = marks_.CheckKey(ref); !s.ok()) return s;
  if (found == objects_.end() && ref.key().empty() && !marks_.Get(ref.object_id())) {
    return NotFound();
  }
  return absl::OkStatus();
}

absl::Status FakePartition::Destroy(const hsm::v1::Destroy& request) {
  if (absl::Status s = CheckRef(request.object()); !s.ok()) return s;
  if (absl::Status s = marks_.BeginDestroy(request, clock_.Now()); !s.ok()) return s;
  objects_.erase(request.object().object_id());
  marks_.EndDestroy(request.object().object_id());
  return absl::OkStatus();
}

Result FakePartition::Generate(const hsm::v1::Generate& request) {
  const std::string& id = request.object().object_id();
  if (absl::Status s = marks_.CheckGenerates(id); !s.ok()) return From(s);
  const auto found = objects_.find(id);
  const bool existed = found != objects_.end();
  if (!existed) {
    if (FindAlgorithm(request.algorithm()) == nullptr) {
      return Error(absl::StatusCode::kInvalidArgument, "unknown algorithm");
    }
    Make(request.object(), request.algorithm());
  } else if (found->second->ref.key() != request.object().key() ||
             found->second->algorithm->algorithm != request.algorithm()) {
    return Error(absl::StatusCode::kFailedPrecondition, "the object is another key's");
  }
  Result result;
  *result.mutable_public_key() = objects_.at(id)->PublicKey(existed);
  return result;
}

void FakePartition::Make(const hsm::v1::ObjectRef& ref, v1::Algorithm algorithm) {
  auto object = std::make_unique<Object>();
  object->ref = ref;
  object->algorithm = FindAlgorithm(algorithm);
  object->key = FakeKey::Make(*object->algorithm);
  objects_[ref.object_id()] = std::move(object);
  ++key_pairs_made_;
}

Result FakePartition::GetPublicKey(const hsm::v1::ObjectRef& ref) {
  const auto found = objects_.find(ref.object_id());
  if (found == objects_.end()) return From(NotFound());
  Result result;
  *result.mutable_public_key() = found->second->PublicKey(true);
  return result;
}

absl::StatusOr<FakePartition::Object*> FakePartition::FindSigning(const hsm::v1::ObjectRef& ref) {
  const auto found = objects_.find(ref.object_id());
  if (found == objects_.end()) return NotFound();
  Object& object = *found->second;
  if (object.ref.key() != ref.key() || object.ref.purpose() != ref.purpose()) return Mismatch();
  if (absl::Status s = marks_.CheckSigns(ref.object_id()); !s.ok()) return s;
  return &object;
}

Result FakePartition::Sign(const hsm::v1::SignJws& request) {
  auto object = FindSigning(request.object());
  if (!object.ok()) return From(object.status());
  Result result;
  result.mutable_signature()->set_signature((*object)->key->Sign(request.signing_input()));
  result.mutable_signature()->set_object_counter(++(*object)->signatures);
  return result;
}

Result FakePartition::SignRaw(const hsm::v1::SignRaw& request) {
  auto object = FindSigning(request.object());
  if (!object.ok()) return From(object.status());
  const FakeKey& key = *(*object)->key;
  const std::optional<size_t> salt =
      request.has_pss_salt_bytes() ? std::optional<size_t>(request.pss_salt_bytes()) : std::nullopt;
  Result result;
  result.mutable_signature()->set_signature(request.has_digest()
                                                ? key.SignDigest(request.digest(), salt)
                                                : key.Sign(request.message(), salt));
  result.mutable_signature()->set_object_counter(++(*object)->signatures);
  return result;
}

Result FakePartition::List(const hsm::v1::List& request) {
  Result result;
  auto* list = result.mutable_object_list();
  uint32_t unattributable = unattributable_;
  for (const auto& [id, object] : objects_) {
    if (!object->attributable()) ++unattributable;
  }
  list->set_unattributable(unattributable);
  for (auto it = objects_.upper_bound(request.after_object_id()); it != objects_.end(); ++it) {
    if (!it->second->attributable()) continue;
    if (static_cast<uint32_t>(list->objects_size()) == request.limit()) {
      list->set_more(true);
      break;
    }
    *list->add_objects() = it->second->PublicKey(true);
  }
  return result;
}

absl::Status FakePartition::ForgetEverywhere(std::span<const std::string> object_ids,
                                             absl::Time /*deadline*/) {
  absl::MutexLock lock(&mu_);
  if (std::exchange(fail_forget_, false)) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "FORGET_PENDING",
                     "a sealward-hsm process has not forgotten yet");
  }
  requests_[hsm::v1::Operation::kForget] += static_cast<int>(object_ids.size());
  forgotten_.insert(forgotten_.end(), object_ids.begin(), object_ids.end());
  return absl::OkStatus();
}

hsm_client::PartitionStatus FakePartition::Status() const {
  absl::MutexLock lock(&mu_);
  hsm_client::PartitionStatus status;
  status.description.set_label("fake");
  status.description.set_token_model("Sealward fake");
  status.description.set_profile("fake");
  status.description.set_least_destroy_window_s(absl::ToInt64Seconds(least_window_));
  status.description.set_has_marks(has_marks_);
  for (const v1::Algorithm algorithm : algorithms_) {
    status.description.add_algorithms(algorithm);
  }
  hsm_client::ProcessStatus process;
  process.ready = available_;
  status.processes.push_back(process);
  return status;
}

}  // namespace sealward::fakes
