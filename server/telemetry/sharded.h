// Counters and histograms that many threads write at once: each thread has its
// own cache lines, and reading adds them up. prometheus-cpp's histogram takes a
// lock for each observation, which the sign path cannot afford.
#ifndef SEALWARD_SERVER_TELEMETRY_SHARDED_H_
#define SEALWARD_SERVER_TELEMETRY_SHARDED_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace sealward::telemetry {

// ShardedCells is an array of counters. Thread-safe, lock-free.
class ShardedCells {
 public:
  explicit ShardedCells(size_t cells);
  // REQUIRES: cell < cells.
  void Add(size_t cell, uint64_t amount);
  // The sum over all threads; what is being added meanwhile may be missing.
  uint64_t Read(size_t cell) const;
  size_t size() const { return cells_; }

 private:
  static constexpr size_t kShards = 16;  // more threads than that share
  static constexpr size_t kCellsPerLine = 8;
  const size_t cells_;
  const size_t stride_;  // cells of a shard, up to the next cache line
  std::unique_ptr<std::atomic<uint64_t>[]> values_;
};

// One metric's labels, for example {{"code", "OK"}}.
using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

// ShardedCounter is a counter family with a cell for every combination of label
// values. A combination that never occurred is not exported, unless it is the
// only one.
class ShardedCounter final : public prometheus::Collectable {
 public:
  ShardedCounter(std::string name, std::string help, std::vector<MetricLabels> cells);
  void Increment(size_t cell) { cells_.Add(cell, 1); }
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string name_;
  const std::string help_;
  const std::vector<MetricLabels> labels_;
  ShardedCells cells_;
};

// ShardedHistogram is a histogram family of durations, in seconds, with one
// histogram for every set of labels.
class ShardedHistogram final : public prometheus::Collectable {
 public:
  // REQUIRES: `bounds`, the upper bounds (inclusive), ascend.
  ShardedHistogram(std::string name, std::string help, std::vector<MetricLabels> series,
                   std::vector<absl::Duration> bounds);
  void Observe(size_t series, absl::Duration value);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  // Of each series: a cell for every bound, one for what is beyond the last, and
  // the sum in nanoseconds.
  size_t CellsPerSeries() const { return bounds_.size() + 2; }
  prometheus::ClientMetric CollectSeries(size_t series) const;

  const std::string name_;
  const std::string help_;
  const std::vector<MetricLabels> labels_;
  const std::vector<absl::Duration> bounds_;
  ShardedCells cells_;
};

}  // namespace sealward::telemetry

#endif  // SEALWARD_SERVER_TELEMETRY_SHARDED_H_
