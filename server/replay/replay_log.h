// What calls with a request_id came to, so that asking again does nothing twice (AIP-155).
#ifndef SEALWARD_SERVER_REPLAY_REPLAY_LOG_H_
#define SEALWARD_SERVER_REPLAY_REPLAY_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "sealward/store/v1/replay.pb.h"
#include "server/store/store.h"

namespace sealward::replay {

// How long an answer is given again.
inline constexpr absl::Duration kReplayWindow = absl::Hours(24);
// When to ask again while a call is under way, or there is no room.
inline constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);
inline constexpr size_t kMaxRequestIdBytes = 64;
// Calls that are remembered, and lapsed ones that each new one sweeps away.
inline constexpr size_t kMaxRemembered = 20'000;
inline constexpr int kMaxSwept = 16;
// A longer answer is not kept: asked again, the call is carried out again.
inline constexpr size_t kMaxAnswerBytes = 256 * 1024;
// Rights that one call may need.
inline constexpr int kMaxPermissions = 16;

using Permission = store::v1::ReplayRecord::Permission;

// Call is one call with a request_id. What is the same for another principal or
// another method is another call.
struct Call {
  std::string principal;
  std::string method;  // the request's type, sealward.v1.CreateKeyRequest
  std::string request_id;
  std::string request_sha256;  // of the request without its request_id
};

class ReplayLog;

// Attempt is a call that is being carried out. Its record is written, durably, when the
// caller turns out to be allowed something, and before anything is done: strangers fill
// no store. Used by one thread; ends when it is destroyed.
class Attempt {
 public:
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // The caller is allowed this. Errors of the store; RESOURCE_EXHAUSTED
  // (TOO_MANY_REQUEST_IDS). Blocks on the store the first time.
  absl::Status Allowed(const Permission& permission);

  // The call ended. An answer is kept. After a refusal nothing is: the same request_id
  // may be used again. After any other error something may have been done, so the call
  // stays begun. Blocks on the store; what goes wrong there is logged, and then the call
  // stays begun too.
  void Ended(const absl::Status& status, absl::string_view answer);

  // When an earlier attempt began that nobody saw the end of: what has been made since
  // then under the name of this call's resource was made by it.
  std::optional<absl::Time> begun_before() const { return begun_before_; }

 private:
  friend class ReplayLog;
  Attempt(ReplayLog* log, std::string key, std::string request_sha256, absl::Time now);

  ReplayLog* const log_;
  const std::string key_;
  const absl::Time now_;
  store::v1::ReplayRecord record_;
  std::optional<absl::Time> begun_before_;
  int64_t mod_revision_ = 0;    // of the record; 0 while there is none
  int64_t lapsed_time_us_ = 0;  // of a record that this one replaces; 0 for none
  bool begun_ = false;
};

// Answer is what a call came to.
struct Answer {
  std::string response;  // serialized
  std::vector<Permission> permissions;
};

// Entry is one of both.
struct Entry {
  std::unique_ptr<Attempt> attempt;
  std::optional<Answer> answer;
};

// ReplayLog keeps the calls of the last day in the store, below "replay/". Thread-safe;
// one server at a time works on a store.
class ReplayLog {
 public:
  // Counts what is there. Errors of the store. REQUIRES: `store` outlives it.
  static absl::StatusOr<std::unique_ptr<ReplayLog>> Open(store::Store* store);

  // The answer that the call got within kReplayWindow before `now`, or leave to carry it
  // out. INVALID_ARGUMENT (REQUEST_ID_INVALID); FAILED_PRECONDITION (REQUEST_ID_REUSED)
  // if the body was another; ABORTED (REQUEST_IN_PROGRESS) with RetryInfo; DATA_LOSS for a
  // record that cannot be read; errors of the store. Blocks on the store.
  absl::StatusOr<Entry> Enter(const Call& call, absl::Time now);

  size_t remembered() const;

 private:
  friend class Attempt;
  explicit ReplayLog(store::Store* store) : store_(store) {}

  // Commits with as many lapsed records as kMaxSwept taken out.
  absl::StatusOr<int64_t> CommitNew(store::Transaction transaction, absl::Time now)
      ABSL_LOCKS_EXCLUDED(sweep_mu_);
  void Leave(const std::string& key);
  void Add(int64_t count);

  store::Store* const store_;
  absl::Mutex sweep_mu_;  // nothing is swept twice
  mutable absl::Mutex mu_;
  absl::flat_hash_set<std::string> under_way_ ABSL_GUARDED_BY(mu_);
  int64_t remembered_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sealward::replay

#endif  // SEALWARD_SERVER_REPLAY_REPLAY_LOG_H_
