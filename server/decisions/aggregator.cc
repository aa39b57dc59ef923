#include "server/decisions/aggregator.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sealward::decisions {
namespace {

// What equal refusals have in common. The resource stands last and nothing
// before it can hold a NUL, so that no name can pass as another caller's refusal.
std::string KeyOf(const DecisionRecord& record) {
  constexpr absl::string_view kEnd("\0", 1);
  return absl::StrCat(record.principal, kEnd, record.certificate, kEnd, record.verb, kEnd,
                      record.reason, kEnd, record.resource);
}

// A clock that was set back ends windows too.
bool HasEnded(absl::Time begin, absl::Time now) {
  return absl::AbsDuration(now - begin) >= kRepeatWindow;
}

DecisionRecord WithoutResource(DecisionRecord record) {
  record.resource = kAnything;
  return record;
}

DecisionRecord WithoutCaller(DecisionRecord record) {
  record.principal = record.peer = record.certificate = kAnything;
  record.verb = record.resource = record.reason = kAnything;
  return record;
}

}  // namespace

Aggregator::Owned::Owned(const DecisionRecord& record)
    : values(record),
      principal(record.principal),
      peer(record.peer),
      certificate(record.certificate),
      verb(record.verb),
      resource(record.resource),
      reason(record.reason),
      request_id(record.request_id) {}

DecisionRecord Aggregator::Owned::View() const {
  DecisionRecord record = values;
  record.principal = principal;
  record.peer = peer;
  record.certificate = certificate;
  record.verb = verb;
  record.resource = resource;
  record.reason = reason;
  record.request_id = request_id;
  return record;
}

Aggregator::~Aggregator() { Stop(); }

void Aggregator::Start() {
  thread_ = std::thread([this] { Work(); });
}

void Aggregator::Stop() {
  std::vector<Owned> ended;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    for (auto& [key, window] : windows_) {
      if (window.repeats > 0) ended.push_back(std::move(window.last));
    }
    windows_.clear();
  }
  if (thread_.joinable()) thread_.join();
  PassOn(ended);
}

void Aggregator::Record(const DecisionRecord& record) {
  if (record.outcome != Outcome::kDenied) {
    next_->Record(record);
    return;
  }
  std::vector<Owned> ended;
  const bool first = TakeFirst(record, ended);
  PassOn(ended);
  if (first) next_->Record(record);
}

bool Aggregator::TakeFirst(const DecisionRecord& record, std::vector<Owned>& ended) {
  const std::string key = KeyOf(record);
  const absl::Time now = clock_->Now();
  absl::MutexLock lock(&mu_);
  if (stopping_) return true;
  const auto found = windows_.find(key);
  if (found != windows_.end() && !HasEnded(found->second.begin, now)) {
    Count(key, record, now);
    return false;
  }
  if (found != windows_.end()) {
    if (found->second.repeats > 0) ended.push_back(std::move(found->second.last));
    found->second = Window{now, Owned(), 0};
    return true;
  }
  if (windows_.size() < kMaxToldApart) {
    windows_.emplace(key, Window{now, Owned(), 0});
    return true;
  }
  const DecisionRecord coarse = WithoutResource(record);
  const std::string coarse_key = KeyOf(coarse);
  if (windows_.contains(coarse_key) || windows_.size() < 2 * kMaxToldApart) {
    Count(coarse_key, coarse, now);
  } else {
    const DecisionRecord coarsest = WithoutCaller(record);
    Count(KeyOf(coarsest), coarsest, now);
  }
  return false;
}

void Aggregator::Count(const std::string& key, const DecisionRecord& record, absl::Time now) {
  Window& window = windows_.try_emplace(key, Window{now, Owned(), 0}).first->second;
  Owned& last = window.last;
  if (window.repeats == 0) {
    last = Owned(record);
  } else {
    last.values.time = record.time;
    last.peer.assign(record.peer.data(), record.peer.size());
    last.request_id.assign(record.request_id.data(), record.request_id.size());
  }
  window.repeats += record.count;
  last.values.count = window.repeats;
}

void Aggregator::EndWindows() {
  std::vector<Owned> ended;
  const absl::Time now = clock_->Now();
  {
    absl::MutexLock lock(&mu_);
    absl::erase_if(windows_, [&](auto& entry) {
      Window& window = entry.second;
      if (!HasEnded(window.begin, now)) return false;
      if (window.repeats > 0) ended.push_back(std::move(window.last));
      return true;
    });
  }
  PassOn(ended);
}

void Aggregator::PassOn(const std::vector<Owned>& ended) {
  for (const Owned& each : ended) next_->Record(each.View());
}

void Aggregator::Work() {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), kRepeatWindow)) return;
    }
    EndWindows();
  }
}

}  // namespace sealward::decisions
