#include "server/telemetry/sharded.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sealward::telemetry {
namespace {

// Which shard this thread writes to; threads take them in turn.
size_t ThisThreadsShard() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed);
  return shard;
}

}  // namespace

ShardedCells::ShardedCells(size_t cells)
    : cells_(cells),
      // A spare line keeps neighbours apart, wherever the allocation starts.
      stride_((cells + 2 * kCellsPerLine - 1) / kCellsPerLine * kCellsPerLine),
      values_(new std::atomic<uint64_t>[kShards * stride_]()) {}

void ShardedCells::Add(size_t cell, uint64_t amount) {
  const size_t shard = ThisThreadsShard() % kShards;
  values_[shard * stride_ + cell].fetch_add(amount, std::memory_order_relaxed);
}

uint64_t ShardedCells::Read(size_t cell) const {
  uint64_t sum = 0;
  for (size_t shard = 0; shard < kShards; ++shard) {
    sum += values_[shard * stride_ + cell].load(std::memory_order_relaxed);
  }
  return sum;
}

ShardedCounter::ShardedCounter(std::string name, std::string help, std::vector<MetricLabels> cells)
    : name_(std::move(name)),
      help_(std::move(help)),
      labels_(std::move(cells)),
      cells_(labels_.size()) {}

std::vector<prometheus::MetricFamily> ShardedCounter::Collect() const {
  prometheus::MetricFamily family{name_, help_, prometheus::MetricType::Counter, {}};
  for (size_t cell = 0; cell < labels_.size(); ++cell) {
    const uint64_t value = cells_.Read(cell);
    if (value == 0 && labels_.size() > 1) continue;
    prometheus::ClientMetric metric;
    metric.label = labels_[cell];
    metric.counter.value = static_cast<double>(value);
    family.metric.push_back(std::move(metric));
  }
  return {std::move(family)};
}

ShardedHistogram::ShardedHistogram(std::string name, std::string help,
                                   std::vector<MetricLabels> series,
                                   std::vector<absl::Duration> bounds)
    : name_(std::move(name)),
      help_(std::move(help)),
      labels_(std::move(series)),
      bounds_(std::move(bounds)),
      cells_(labels_.size() * CellsPerSeries()) {}

void ShardedHistogram::Observe(size_t series, absl::Duration value) {
  value = std::max(value, absl::ZeroDuration());
  const size_t first = series * CellsPerSeries();
  const auto bucket = static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                          bounds_.begin());
  cells_.Add(first + bucket, 1);
  cells_.Add(first + bounds_.size() + 1, static_cast<uint64_t>(absl::ToInt64Nanoseconds(value)));
}

prometheus::ClientMetric ShardedHistogram::CollectSeries(size_t series) const {
  const size_t first = series * CellsPerSeries();
  prometheus::ClientMetric metric;
  metric.label = labels_[series];
  uint64_t count = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    count += cells_.Read(first + i);
    const double bound = i < bounds_.size() ? absl::ToDoubleSeconds(bounds_[i])
                                            : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({count, bound});
  }
  // Taken from the buckets, so that the last of them and the count agree even
  // while others observe.
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = static_cast<double>(cells_.Read(first + bounds_.size() + 1)) / 1e9;
  return metric;
}

std::vector<prometheus::MetricFamily> ShardedHistogram::Collect() const {
  prometheus::MetricFamily family{name_, help_, prometheus::MetricType::Histogram, {}};
  for (size_t series = 0; series < labels_.size(); ++series) {
    family.metric.push_back(CollectSeries(series));
  }
  return {std::move(family)};
}

}  // namespace sealward::telemetry
