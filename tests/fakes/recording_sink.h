// A sink that keeps what it is given, for tests to look at.
#ifndef SEALWARD_TESTS_FAKES_RECORDING_SINK_H_
#define SEALWARD_TESTS_FAKES_RECORDING_SINK_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/decisions/record.h"

namespace sealward::fakes {

// RecordingSink writes each record down as one text. Thread-safe.
class RecordingSink final : public decisions::DecisionSink {
 public:
  void Record(const decisions::DecisionRecord& record) override {
    absl::MutexLock lock(&mu_);
    count_ += record.count;
    records_.push_back(absl::StrCat(decisions::OutcomeName(record.outcome), " ",
                                    absl::StatusCodeToString(record.code), " ", record.verb, " ",
                                    record.resource, " by ", record.principal, " [",
                                    record.certificate, "]: ", record.reason, " x", record.count));
    last_peer_ = std::string(record.peer);
    last_request_id_ = std::string(record.request_id);
    last_time_ = record.time;
  }

  // What came since the last call.
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mu_);
    return std::exchange(records_, {});
  }
  // The decisions that all records stand for.
  int64_t count() const {
    absl::MutexLock lock(&mu_);
    return count_;
  }
  std::string last_peer() const {
    absl::MutexLock lock(&mu_);
    return last_peer_;
  }
  std::string last_request_id() const {
    absl::MutexLock lock(&mu_);
    return last_request_id_;
  }
  absl::Time last_time() const {
    absl::MutexLock lock(&mu_);
    return last_time_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<std::string> records_ ABSL_GUARDED_BY(mu_);
  int64_t count_ ABSL_GUARDED_BY(mu_) = 0;
  std::string last_peer_ ABSL_GUARDED_BY(mu_);
  std::string last_request_id_ ABSL_GUARDED_BY(mu_);
  absl::Time last_time_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_RECORDING_SINK_H_
