// The same refusal a thousand times a second is two records, not a thousand.
#ifndef SEALWARD_SERVER_DECISIONS_AGGREGATOR_H_
#define SEALWARD_SERVER_DECISIONS_AGGREGATOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/decisions/record.h"

namespace sealward::decisions {

// How long equal refusals are counted before their number is written.
inline constexpr absl::Duration kRepeatWindow = absl::Seconds(1);
// Different refusals of one window that are told apart. What comes beyond is
// counted without its resource, and beyond twice as many without its caller.
inline constexpr size_t kMaxToldApart = 1024;
// What stands for what was not told apart.
inline constexpr absl::string_view kAnything = "*";

// Aggregator passes records on. The first of equal refusals (principal,
// certificate, verb, resource, reason) goes at once; those that follow within
// kRepeatWindow are counted and go as one record when it ends. Everything but
// refusals goes at once and by itself. No decision is lost: the counts of what
// was passed on add up to the calls of Record.
//
// Thread-safe. A repeat costs one lock and one look-up. `next` is called without
// the lock, so that two records may arrive there in another order.
class Aggregator final : public DecisionSink {
 public:
  // REQUIRES: both outlive it.
  Aggregator(DecisionSink* next, const Clock* clock) : next_(next), clock_(clock) {}
  // Stops.
  ~Aggregator() override;
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;

  // Starts the thread that ends windows. Without it, which is for tests, call
  // EndWindows.
  void Start();
  // Ends the thread and passes on all that was counted. Records that come later
  // are passed on one by one. May be called again.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  void Record(const DecisionRecord& record) override ABSL_LOCKS_EXCLUDED(mu_);

  // Passes on the counts of the windows that have ended.
  void EndWindows() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Owned is a record with its own texts.
  struct Owned {
    Owned() = default;
    explicit Owned(const DecisionRecord& record);
    DecisionRecord View() const;

    DecisionRecord values;  // its views are not used
    std::string principal, peer, certificate, verb, resource, reason, request_id;
  };
  struct Window {
    absl::Time begin;
    Owned last;           // of the repeats
    int64_t repeats = 0;  // not yet passed on
  };

  // Whether the record is to be passed on now; else it was counted.
  bool TakeFirst(const DecisionRecord& record, std::vector<Owned>& ended) ABSL_LOCKS_EXCLUDED(mu_);
  void Count(const std::string& key, const DecisionRecord& record, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PassOn(const std::vector<Owned>& ended);
  void Work();

  DecisionSink* const next_;
  const Clock* const clock_;
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Window> windows_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sealward::decisions

#endif  // SEALWARD_SERVER_DECISIONS_AGGREGATOR_H_
