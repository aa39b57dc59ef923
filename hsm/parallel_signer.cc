#include "hsm/parallel_signer.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hsm/log.h"
#include "hsm/outage.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {

absl::StatusOr<std::unique_ptr<ParallelSigner>> ParallelSigner::Create(OpenPartition& partition,
                                                                       KeyStore& keys,
                                                                       SessionCopies& copies,
                                                                       Signer& first) {
  auto done = EventFlag::Create();
  if (!done.ok()) return done.status();
  std::unique_ptr<ParallelSigner> parallel(new ParallelSigner(*std::move(done)));
  parallel->members_.push_back({&first});
  for (size_t session = 1; session < partition.signing.size(); ++session) {
    auto signer = Signer::Create(partition, keys, copies, session);
    if (!signer.ok()) return signer.status();
    parallel->members_.push_back({signer->get()});
    parallel->owned_.push_back(*std::move(signer));
  }
  if (absl::Status s = parallel->StartThreads(); !s.ok()) return s;
  return parallel;
}

// They have the signal mask of the caller.
absl::Status ParallelSigner::StartThreads() {
  const std::scoped_lock lock(mutex_);
  const size_t wanted = members_.size();
  size_t started = 0;
  std::string error;
  try {
    for (; started < wanted; ++started) {
      Member& member = members_[started];
      member.thread = std::thread([this, &member] { Serve(member); });
    }
  } catch (const std::system_error& failure) {
    error = failure.what();
  }
  threads_ = started;
  if (started == 0) return absl::ResourceExhaustedError(absl::StrCat("no thread: ", error));
  if (started < wanted) {
    LogWarning(absl::StrCat("signing with ", started, " of ", wanted,
                            " sessions: no other thread could be started (", error, ")"));
    members_.resize(started);
  }
  settled_ = started;
  return absl::OkStatus();
}

ParallelSigner::~ParallelSigner() {
  Abandon();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  begin_.notify_all();
  for (Member& member : members_) {
    if (member.thread.joinable()) member.thread.join();
  }
}

void ParallelSigner::Serve(Member& member) {
  std::unique_lock lock(mutex_);
  for (;;) {
    begin_.wait(lock, [&] { return stopping_ || HasWork(member); });
    if (stopping_) return;
    const Queued next = queue_.front();
    queue_.pop_front();
    ++busy_;
    lock.unlock();
    const CK_RV rv =
        member.signer->TryOnce(*next.job->object, next.job->input, *next.job->signature);
    lock.lock();
    --busy_;
    next.job->rv = rv;
    if (rv != CKR_OK) {
      Note(rv);
      member.out = true;
      if (++out_ == members_.size() || ended_ != CKR_OK) DropQueue();
    }
    Account(*next.batch);
  }
}

void ParallelSigner::Account(Batch& batch) {
  if (--batch.unfinished == 0) done_->Set();
  if (batch.unfinished == 0 || busy_ == 0) progress_.notify_one();
}

void ParallelSigner::DropQueue() {
  for (; !queue_.empty(); queue_.pop_front()) Account(*queue_.front().batch);
}

void ParallelSigner::Note(CK_RV rv) {
  if (pkcs11::IsPinRefusal(rv) || (EndsTheProcess(rv) && ended_ == CKR_OK)) ended_ = rv;
}

CK_RV ParallelSigner::ended() {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

absl::Status ParallelSigner::Settle() {
  size_t settled = 0;
  absl::Status left_out;
  out_ = 0;
  for (Member& member : members_) {
    const absl::Status s = member.signer->Settle();
    member.out = !s.ok();
    Note(pkcs11::RvOf(s));
    if (ended_ != CKR_OK) return s;
    s.ok() ? ++settled : ++out_;
    left_out.Update(s);
  }
  if (settled == 0) return left_out;
  Say(settled, left_out);
  return absl::OkStatus();
}

void ParallelSigner::Say(size_t settled, const absl::Status& left_out) {
  if (settled == settled_) return;
  settled_ = settled;
  if (left_out.ok()) return LogInfo(absl::StrCat("signing with all ", settled, " sessions again"));
  LogWarning(absl::StrCat("signing with ", settled, " of ", members_.size(),
                          " sessions: ", left_out.message()));
}

void ParallelSigner::Begin(std::vector<SignJob> jobs) {
  const std::scoped_lock lock(mutex_);
  Batch& batch = batches_.emplace_back(Batch{std::move(jobs)});
  if (batch.jobs.empty()) return;
  if (ended_ != CKR_OK) {
    batch.refused = pkcs11::RvStatus(ended_, "a session before this signature");
  } else if (busy_ == 0 && queue_.empty()) {
    batch.refused = Settle();
  }
  if (!batch.refused.ok()) return;
  batch.unfinished = batch.jobs.size();
  for (SignJob& job : batch.jobs) queue_.push_back({&batch, &job});
  // Members that are out wait, too, and would swallow what is meant for one; so would one that
  // goes out between the lock and this.
  if (out_ > 0) return begin_.notify_all();
  for (size_t n = 0; n < batch.unfinished; ++n) begin_.notify_one();
}

bool ParallelSigner::OldestIsDone() {
  const std::scoped_lock lock(mutex_);
  return batches_.front().unfinished == 0;
}

absl::StatusOr<std::vector<SignJob>> ParallelSigner::Finish() {
  std::unique_lock lock(mutex_);
  progress_.wait(lock, [this] { return batches_.front().unfinished == 0; });
  Batch batch = std::move(batches_.front());
  batches_.pop_front();
  if (!batch.refused.ok()) return batch.refused;
  return std::move(batch.jobs);
}

void ParallelSigner::AwaitIdle() {
  std::unique_lock lock(mutex_);
  progress_.wait(lock, [this] { return busy_ == 0 && queue_.empty(); });
}

void ParallelSigner::Abandon() {
  std::unique_lock lock(mutex_);
  queue_.clear();
  progress_.wait(lock, [this] { return busy_ == 0; });
  batches_.clear();
}

}  // namespace sealward::hsm
