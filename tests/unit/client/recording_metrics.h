// A Metrics that keeps what it was told.
#ifndef SEALWARD_TESTS_UNIT_CLIENT_RECORDING_METRICS_H_
#define SEALWARD_TESTS_UNIT_CLIENT_RECORDING_METRICS_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/metrics.h"

namespace sealward::client {

// RecordingMetrics writes each event as a line, without durations. Thread-safe.
class RecordingMetrics final : public Metrics {
 public:
  void OnCall(const CallEvent& call) override {
    Add(absl::StrCat("call ", call.method, " ", absl::StatusCodeToString(call.code), " ",
                     call.reason, " attempts ", call.attempts, " requests ", call.requests,
                     " failed ", call.failed));
  }
  void OnRetry(const RetryEvent& retry) override {
    Add(absl::StrCat("retry ", retry.method, " ", retry.reason, " attempt ", retry.attempt,
                     " requests ", retry.requests, " ",
                     retry.refused ? "refused" : absl::FormatDuration(retry.pause)));
  }
  void OnBatch(const BatchEvent& batch) override {
    Add(absl::StrCat("batch ", batch.requests, " waited ", absl::FormatDuration(batch.longest_wait),
                     " depth ", batch.queue_depth, " under way ", batch.under_way));
  }
  void OnBatchedRequest(const BatchedRequestEvent& request) override {
    Add(absl::StrCat("request ", absl::StatusCodeToString(request.code), " ", request.reason,
                     " took ", absl::FormatDuration(request.duration)));
  }
  void OnConnection(ConnectionState state) override {
    Add(absl::StrCat("connection ", static_cast<int>(state)));
  }
  void OnCertificates(const absl::Status& status) override {
    Add(absl::StrCat("certificates ", status.ok() ? "OK" : std::string(status.message())));
  }

  std::vector<std::string> lines() const {
    absl::MutexLock lock(&mu_);
    return lines_;
  }
  // How many lines begin with `prefix`.
  size_t Count(absl::string_view prefix) const {
    absl::MutexLock lock(&mu_);
    return CountLocked(prefix);
  }
  // Returns when `count` lines begin with `prefix`.
  void Await(absl::string_view prefix, size_t count) const {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return CountLocked(prefix) >= count;
    };
    mu_.Await(absl::Condition(&enough));
  }

 private:
  void Add(std::string line) {
    absl::MutexLock lock(&mu_);
    lines_.push_back(std::move(line));
  }
  size_t CountLocked(absl::string_view prefix) const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    size_t count = 0;
    for (const std::string& line : lines_) count += absl::StartsWith(line, prefix) ? 1 : 0;
    return count;
  }

  mutable absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_TESTS_UNIT_CLIENT_RECORDING_METRICS_H_
