// Partition's verbs that sign.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "hsm/outage.h"
#include "hsm/partition.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

SignatureInput RawInput(const v1::SignRaw& request) {
  SignatureInput input{.data = request.has_digest() ? request.digest() : request.message(),
                       .is_digest = request.has_digest()};
  if (request.has_pss_salt_bytes()) input.pss_salt_bytes = request.pss_salt_bytes();
  return input;
}

// Not by the job's object: it may have ended since.
absl::Status StatusOf(const SignJob& job, const SignTask& task) {
  if (!job.rv) {
    return MakeError(absl::StatusCode::kUnavailable, "HSM_LOST",
                     "no session was left for this signature");
  }
  const v1::ObjectRef& ref = task.operation->has_sign_raw() ? task.operation->sign_raw().object()
                                                            : task.operation->sign_jws().object();
  return pkcs11::RvStatus(
      *job.rv, absl::StrCat("signing with object ", absl::BytesToHexString(ref.object_id())));
}

}  // namespace

// The pair that `ref` names, if it may sign and is for `purpose`.
absl::StatusOr<KeyObject*> Partition::FindSigning(const v1::ObjectRef& ref,
                                                  v1::ObjectPurpose purpose) {
  if (ref.purpose() != purpose) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "PURPOSE_MISMATCH",
                     "this verb does not sign with objects of that purpose");
  }
  auto object = FindFor(ref);
  if (!object.ok()) return object.status();
  if (absl::Status s = ReadPublicKey(*open_->objects, **object); !s.ok()) return s;
  if (absl::Status s = CheckPrivateKey(*open_->objects, **object); !s.ok()) return s;
  return *object;
}

absl::StatusOr<SignJob> Partition::Prepare(const v1::SignJws& request) {
  auto object = FindSigning(request.object(), v1::OBJECT_PURPOSE_JWT);
  if (!object.ok()) return object.status();
  if (absl::Status s = (*object)->header->Check(request.signing_input()); !s.ok()) return s;
  return SignJob{.object = *object, .input = {request.signing_input()}};
}

absl::StatusOr<SignJob> Partition::Prepare(const v1::SignRaw& request) {
  auto object = FindSigning(request.object(), v1::OBJECT_PURPOSE_RAW);
  if (!object.ok()) return object.status();
  const SignatureInput input = RawInput(request);
  if (request.input_case() == v1::SignRaw::INPUT_NOT_SET) {
    return MakeError(absl::StatusCode::kInvalidArgument, "RAW_INPUT_INVALID",
                     "there is neither a message nor a digest");
  }
  if (absl::Status s = CheckSignatureInput(input, *(*object)->mechanism->algorithm); !s.ok()) {
    return s;
  }
  return SignJob{.object = *object, .input = input};
}

absl::StatusOr<SignJob> Partition::Prepare(const SignTask& task) {
  return task.operation->has_sign_raw() ? Prepare(task.operation->sign_raw())
                                        : Prepare(task.operation->sign_jws());
}

absl::Status Partition::SignOne(absl::StatusOr<SignJob> job, v1::Signature& out) {
  if (!job.ok()) return job.status();
  if (absl::Status s = signer_->Sign(job->object, job->input, *out.mutable_signature()); !s.ok()) {
    return s;
  }
  out.set_object_counter(*job->object->signatures);
  return absl::OkStatus();
}

absl::Status Partition::SignJws(const v1::SignJws& request, v1::Signature& out) {
  return SignOne(Prepare(request), out);
}

absl::Status Partition::SignRaw(const v1::SignRaw& request, v1::Signature& out) {
  return SignOne(Prepare(request), out);
}

void Partition::BeginSigning(std::span<SignTask> tasks) {
  Signing& signing = signing_.emplace_back(tasks);
  std::vector<SignJob> jobs;
  for (SignTask& task : tasks) {
    auto job = Prepare(task);
    task.status = job.status();
    if (!job.ok()) continue;
    job->signature = task.out->mutable_signature();
    signing.counters.push_back(job->object->signatures);
    signing.tried.push_back(&task);
    jobs.push_back(*job);
  }
  parallel_->Begin(std::move(jobs));
}

// What became of each; those that may be tried again.
std::vector<SignTask*> Partition::TakeOutcomes(const Signing& signing) {
  const auto jobs = parallel_->Finish();
  std::vector<SignTask*> again;
  for (size_t n = 0; n < signing.tried.size(); ++n) {
    SignTask& task = *signing.tried[n];
    task.status = jobs.ok() ? StatusOf((*jobs)[n], task) : jobs.status();
    if (task.status.ok()) {
      task.out->set_object_counter(++*signing.counters[n]);
    } else if (jobs.ok() && MayTryAgain((*jobs)[n].rv.value_or(CKR_OK))) {
      again.push_back(&task);
    }
  }
  return again;
}

void Partition::FinishSigning() {
  const Signing signing = std::move(signing_.front());
  signing_.pop_front();
  const std::vector<SignTask*> again = TakeOutcomes(signing);
  const auto failed = [](const SignTask& task) { return !task.status.ok(); };
  if (std::ranges::none_of(signing.tasks, failed)) return;
  // From here on the first session is wanted, here and for the canary, by dispatch; looking
  // for a pair again ends its KeyObject, which others of the jobs may share; and sessions in
  // doubt are opened again by the next Begin.
  parallel_->AwaitIdle();
  const auto ends = [](const SignTask& task) { return EndsTheProcess(pkcs11::RvOf(task.status)); };
  bool over = parallel_->ended() != CKR_OK || std::ranges::any_of(signing.tasks, ends);
  for (SignTask* task : again) {
    if (over) break;  // as dispatch does: it would open a session over a lost token
    task->status = SignOne(Prepare(*task), *task->out);
    over = ends(*task);
  }
}

absl::Status Partition::AbandonSigning() {
  if (parallel_ == nullptr) return absl::OkStatus();
  parallel_->Abandon();
  absl::Status ended = pkcs11::RvStatus(parallel_->ended(), "signing");
  for (const Signing& signing : signing_) {
    for (const SignTask& task : signing.tasks) {
      if (pkcs11::IsPinRefusal(pkcs11::RvOf(task.status))) ended = task.status;
    }
  }
  signing_.clear();
  return ended;
}

}  // namespace sealward::hsm
