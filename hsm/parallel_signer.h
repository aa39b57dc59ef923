// Signing with several sessions at the same time.
#ifndef SEALWARD_HSM_PARALLEL_SIGNER_H_
#define SEALWARD_HSM_PARALLEL_SIGNER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hsm/event_flag.h"
#include "hsm/open_partition.h"
#include "hsm/signer.h"

namespace sealward::hsm {

// SignJob is one signature that is wanted. Jobs may share an object.
struct SignJob {
  KeyObject* object = nullptr;
  SignatureInput input;
  std::string* signature = nullptr;
  // How the attempt went; nullopt if there was none, because each session that was left
  // had failed with another job, or one with what ends the process.
  std::optional<CK_RV> rv = std::nullopt;
};

// ParallelSigner is a thread for each of the partition's signing sessions, which sign batch
// after batch without a pause between two. The threads hash and call C_Sign and nothing
// else: finding objects, counting, trying again and logging stay with the one thread that
// serves, and calls this. Not thread-safe.
class ParallelSigner {
 public:
  // `first` signs with the first session, for the caller, too, while idle. REQUIRES: the
  // profile has no session copies, whose list a signature would change.
  // RESOURCE_EXHAUSTED if the system starts no thread; fewer than wanted are logged.
  static absl::StatusOr<std::unique_ptr<ParallelSigner>> Create(OpenPartition& partition,
                                                                KeyStore& keys,
                                                                SessionCopies& copies,
                                                                Signer& first);
  // As Abandon.
  ~ParallelSigner();
  ParallelSigner(const ParallelSigner&) = delete;
  ParallelSigner& operator=(const ParallelSigner&) = delete;

  // Sessions that sign at the same time.
  size_t size() const { return threads_; }

  // What an attempt or a session met that ends the process (hsm/outage.h), a CKR_PIN_* before
  // anything else; CKR_OK if nothing. Nothing is begun from then on.
  CK_RV ended();

  // Begins one attempt at each job, behind the batches that are under way. A session that an
  // attempt left in doubt makes no other until a Begin that finds all idle, which opens it
  // again; one that cannot be opened is left out. REQUIRES: fewer than
  // kMaxPacketsInFlight batches are under way; objects, inputs and signatures outlive it.
  void Begin(std::vector<SignJob> jobs);

  // Whether Finish of the oldest batch would not wait. REQUIRES: one is under way.
  bool OldestIsDone();
  // Readable when a batch may have become done. The caller clears it.
  EventFlag& done() { return *done_; }

  // The oldest batch, which ends: its jobs, whose `rv` says how each went (nothing is
  // counted); or an error, if no session was left, or ended() is set: then no job was tried.
  // Waits. REQUIRES: one is under way.
  absl::StatusOr<std::vector<SignJob>> Finish();

  // Waits until no job is under way; batches stay.
  void AwaitIdle();

  // Forgets every batch. Waits for the jobs that were begun.
  void Abandon();

 private:
  struct Batch {
    std::vector<SignJob> jobs;
    size_t unfinished = 0;
    absl::Status refused = absl::OkStatus();  // why no job was tried
  };
  struct Member {
    Signer* signer;
    bool out = false;  // its session is in doubt
    std::thread thread = {};
  };
  struct Queued {
    Batch* batch;
    SignJob* job;
  };

  explicit ParallelSigner(std::unique_ptr<EventFlag> done) : done_(std::move(done)) {}

  absl::Status StartThreads();
  void Serve(Member& member);
  bool HasWork(const Member& member) const { return !member.out && !queue_.empty(); }
  // The job was tried, or nobody is left to try it.
  void Account(Batch& batch);
  void DropQueue();
  // Notes `rv` if it ends the process.
  void Note(CK_RV rv);
  // Opens the sessions in doubt again. An error if none is left, or it ends the process.
  absl::Status Settle();
  // Logs how many sessions there are, when that changes: a packet that finds all idle tries
  // those that are left out, and would say the same again.
  void Say(size_t settled, const absl::Status& left_out);

  std::vector<std::unique_ptr<Signer>> owned_;
  const std::unique_ptr<EventFlag> done_;
  size_t threads_ = 0;
  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable progress_;
  // Guarded by mutex_.
  std::deque<Member> members_;  // its addresses stay
  std::deque<Batch> batches_;   // the oldest in front
  std::deque<Queued> queue_;
  size_t busy_ = 0;     // members with a job in hand
  size_t out_ = 0;      // members that are out
  size_t settled_ = 0;  // members that sign, as the log has it
  CK_RV ended_ = CKR_OK;
  bool stopping_ = false;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PARALLEL_SIGNER_H_
