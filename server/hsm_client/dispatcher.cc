#include "server/hsm_client/dispatcher.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/packet_socket.h"

namespace sealward::hsm_client {
namespace {

absl::Status DiedUnderway() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                            "the sealward-hsm process that had this operation ended before it "
                            "answered; it is being replaced, try again",
                            kUnavailableRetryDelay);
}

absl::Duration RetryDelayUntil(Dispatcher::SteadyTime then, Dispatcher::SteadyTime now) {
  return std::clamp(absl::FromChrono(then - now), kUnavailableRetryDelay,
                    kMaxUnavailableRetryDelay);
}

absl::Status Expired() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                   "the deadline passed while the operation waited for the HSM; allow more time "
                   "or send less at once");
}

absl::Status QueueFull() {
  return MakeRetryableError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                            "too many operations wait for the HSM; slow down and try again",
                            kQueueFullRetryDelay);
}

absl::Status Overloaded(absl::Duration late) {
  return MakeRetryableError(
      absl::StatusCode::kResourceExhausted, "OVERLOADED",
      "so much waits for the HSM that this operation would miss its deadline; slow down, or allow "
      "more time",
      std::clamp(late, kQueueFullRetryDelay, kMaxOverloadedRetryDelay));
}

}  // namespace

Dispatcher::Dispatcher(int slots) : windows_(static_cast<size_t>(slots)) {}

Dispatcher::Work Dispatcher::Submit(std::vector<Partition::Submission> submissions, absl::Time now,
                                    SteadyTime steady) {
  Work work;
  absl::MutexLock lock(&mu_);
  const bool available = OpenCount() > 0;
  const bool gone = breaker_.state() != BreakerState::kClosed;
  for (Partition::Submission& each : submissions) {
    if (!available) {
      work.finished.push_back({std::move(each.done), Unavailable(steady)});
    } else if (gone) {
      work.finished.push_back({std::move(each.done), Gone(steady)});
    } else if (!queue_.HasRoomFor(each)) {
      work.finished.push_back({std::move(each.done), QueueFull()});
    } else if (const absl::Duration late = LateBy(each, now); late > absl::ZeroDuration()) {
      work.finished.push_back({std::move(each.done), Overloaded(late)});
    } else {
      queue_.Push(std::move(each));
    }
  }
  Fill(now, steady, work);
  return work;
}

bool Dispatcher::SubmitTo(int slot, std::vector<Partition::Submission> submissions, absl::Time now,
                          SteadyTime steady, Work& work) {
  absl::MutexLock lock(&mu_);
  Window& window = windows_[static_cast<size_t>(slot)];
  if (window.own.size() + submissions.size() > kMaxOwnOperations) return false;
  for (Partition::Submission& each : submissions) {
    if (!window.open)
      work.finished.push_back({std::exchange(each.done, nullptr), hsm::v1::Result()});
    window.own.push_back({std::move(each), steady});
  }
  Fill(now, steady, work);
  return true;
}

Dispatcher::Work Dispatcher::Open(int slot, std::shared_ptr<Link> link, absl::Time now,
                                  SteadyTime steady, int sessions) {
  Work work;
  absl::MutexLock lock(&mu_);
  Window& window = windows_[static_cast<size_t>(slot)];
  window.open = true;
  // More sessions than a packet has operations are of no use.
  window.max_cost = kMaxPacketCost * std::clamp(sessions, 1, kMaxOperationsPerPacket);
  window.retiring = false;
  window.link = std::move(link);
  // It has made the canary sign: the HSM may be back.
  breaker_.ProbeSoon(steady);
  Fill(now, steady, work);
  return work;
}

bool Dispatcher::Retire(int slot) {
  absl::MutexLock lock(&mu_);
  if (OpenCount() < 2 || std::ranges::any_of(windows_, &Window::retiring)) return false;
  windows_[static_cast<size_t>(slot)].retiring = true;
  return true;
}

bool Dispatcher::IsDrained(int slot) const {
  absl::MutexLock lock(&mu_);
  const Window& window = windows_[static_cast<size_t>(slot)];
  return window.retiring && window.in_flight.empty() && window.own.empty();
}

Dispatcher::Work Dispatcher::Close(int slot, absl::Time now, SteadyTime steady) {
  Work work;
  absl::MutexLock lock(&mu_);
  Window& window = windows_[static_cast<size_t>(slot)];
  window.open = false;
  window.retiring = false;
  window.link.reset();
  // The one that is left cannot be spared.
  if (OpenCount() == 1) std::ranges::for_each(windows_, [](Window& w) { w.retiring = false; });
  if (slow_slot_ == slot) slow_slot_ = -1;
  for (InFlight& packet : window.in_flight) {
    if (packet.probe) EndProbe(false, steady, work);
    for (Partition::Done& done : packet.dones) {
      if (!done) continue;  // over already (SubmitTo)
      work.finished.push_back({std::move(done), DiedUnderway()});
    }
  }
  window.in_flight.clear();
  for (Own& each : window.own) {
    if (each.submission.done) {
      work.finished.push_back({std::move(each.submission.done), DiedUnderway()});
    }
  }
  window.own.clear();
  if (OpenCount() == 0) {
    for (Partition::Submission& each : queue_.TakeAll()) {
      work.finished.push_back({std::move(each.done), Unavailable(steady)});
    }
  }
  Fill(now, steady, work);  // a slow operation may have waited for this process
  return work;
}

Dispatcher::Work Dispatcher::HsmGone(SteadyTime steady) {
  Work work;
  absl::MutexLock lock(&mu_);
  CountFailure(steady, work);
  return work;
}

void Dispatcher::CountFailure(SteadyTime steady, Work& work) {
  if (!breaker_.Failed(steady)) return;
  work.turned = BreakerState::kOpen;
  for (Partition::Submission& each : queue_.TakeAll()) {
    work.finished.push_back({std::move(each.done), Gone(steady)});
  }
}

// What an answer says about the HSM. An UNAVAILABLE without a CK_RV is about the
// process: it did not ask.
void Dispatcher::Judge(const hsm::v1::Result& result, SteadyTime steady, Work& work) {
  if (result.has_signature()) {
    breaker_.Succeeded();
  } else if (result.code() == static_cast<int>(absl::StatusCode::kUnavailable) &&
             result.ck_rv() != 0) {
    CountFailure(steady, work);
  }
}

Dispatcher::Work Dispatcher::Probe(SteadyTime steady) {
  Work work;
  absl::MutexLock lock(&mu_);
  if (!breaker_.TakeProbe(steady)) return work;
  const auto idle = std::ranges::find_if(
      windows_, [](const Window& window) { return window.open && window.in_flight.empty(); });
  if (idle == windows_.end()) {
    EndProbe(false, steady, work);
    return work;
  }
  std::vector<Partition::Submission> probe(1);
  probe.front().operation.mutable_check_health();
  probe.front().done = [](const auto&) {};
  Put(static_cast<int>(idle - windows_.begin()), std::move(probe), /*slow=*/false, steady, work)
      .probe = true;
  return work;
}

void Dispatcher::EndProbe(bool succeeded, SteadyTime steady, Work& work) {
  breaker_.ProbeEnded(succeeded, steady);
  if (succeeded) work.turned = BreakerState::kClosed;
}

absl::StatusOr<Dispatcher::Work> Dispatcher::Answer(int slot, hsm::v1::ResponsePacket& response,
                                                    absl::Time now, SteadyTime steady) {
  Work work;
  absl::MutexLock lock(&mu_);
  Window& window = windows_[static_cast<size_t>(slot)];
  const auto packet =
      std::ranges::find(window.in_flight, response.packet_id(), &InFlight::packet_id);
  if (packet == window.in_flight.end() ||
      static_cast<size_t>(response.results_size()) != packet->dones.size()) {
    return absl::InternalError("sealward-hsm answered what was not asked");
  }
  if (packet->own && std::ranges::any_of(response.results(), &hsm::v1::Result::code)) {
    return absl::InternalError("sealward-hsm did not do what it must");
  }
  work.finished.reserve(packet->dones.size());
  const bool probed = packet->probe && response.results(0).code() == 0;
  if (packet->probe) EndProbe(probed, steady, work);
  for (int i = 0; i < response.results_size(); ++i) {
    Judge(response.results(i), steady, work);
    if (!packet->dones[static_cast<size_t>(i)]) continue;  // over already (SubmitTo)
    work.finished.push_back({std::move(packet->dones[static_cast<size_t>(i)]),
                             std::move(*response.mutable_results(i))});
  }
  if (packet->slow) {
    slow_slot_ = -1;
  } else if (!packet->own && !packet->probe) {
    // It was the process's turn once it had answered what was sent before.
    estimate_.Add(steady - std::max(packet->sent, window.answered), packet->cost);
  }
  window.answered = steady;
  window.in_flight.erase(packet);
  Fill(now, steady, work);
  return work;
}

absl::Duration Dispatcher::LateBy(const Partition::Submission& submission, absl::Time now) const {
  const auto each = estimate_.TimeFor(submission.cost);
  if (!each || queue_.size() == 0 || submission.deadline <= now ||
      !IsSigning(submission.operation)) {
    return absl::ZeroDuration();
  }
  const absl::Duration ahead = *estimate_.TimeFor(queue_.CostAhead(submission));
  return now + ahead / OpenCount() + *each - submission.deadline;
}

// One packet a slot and round, so that what waits is shared out evenly.
void Dispatcher::Fill(absl::Time now, SteadyTime steady, Work& work) {
  bool progress = true;
  while (progress && HasWork()) {
    progress = false;
    for (size_t i = 0; i < windows_.size() && HasWork(); ++i) {
      const size_t slot = (next_slot_ + i) % windows_.size();
      progress = FillSlot(static_cast<int>(slot), now, steady, work) || progress;
    }
    next_slot_ = (next_slot_ + 1) % windows_.size();
  }
}

int Dispatcher::ChooseSlowSlot(int otherwise) const {
  const Window& last = windows_[static_cast<size_t>(last_slow_slot_)];
  return last.open && !last.retiring ? last_slow_slot_ : otherwise;
}

bool Dispatcher::FillSlot(int slot, absl::Time now, SteadyTime steady, Work& work) {
  const Window& window = windows_[static_cast<size_t>(slot)];
  if (!window.open) return false;
  if (!window.own.empty()) return PutOwn(slot, work);
  if (window.retiring) return false;
  std::vector<Partition::Submission> expired;
  std::vector<Partition::Submission> batch;
  bool slow = false;
  if (queue_.has_slow() && slow_slot_ < 0) slow_slot_ = ChooseSlowSlot(slot);
  if (slow_slot_ == slot) {
    if (!window.in_flight.empty()) return false;  // runs dry, or does the slow operation
    batch = queue_.TakeSlow(now, expired);
    slow = true;
    last_slow_slot_ = slot;
    if (batch.empty()) slow_slot_ = -1;
  } else if (window.HasRoom()) {
    batch = queue_.TakeSigning(OpenCount(), window.max_cost, now, expired);
  }
  for (Partition::Submission& each : expired) {
    work.finished.push_back({std::move(each.done), Expired()});
  }
  if (batch.empty()) return !expired.empty();
  Put(slot, std::move(batch), slow, steady, work);
  return true;
}

bool Dispatcher::HasWork() const {
  return queue_.size() > 0 ||
         std::ranges::any_of(windows_, [](const Window& window) { return !window.own.empty(); });
}

// What waited for this process in particular. It counts from when it was asked for:
// a process that does not get round to it is wedged too.
bool Dispatcher::PutOwn(int slot, Work& work) {
  Window& window = windows_[static_cast<size_t>(slot)];
  if (!window.HasRoom()) return false;
  const SteadyTime since = window.own.front().since;
  std::vector<Partition::Submission> batch;
  while (!window.own.empty() && batch.size() < kMaxOperationsPerPacket) {
    batch.push_back(std::move(window.own.front().submission));
    window.own.pop_front();
  }
  Put(slot, std::move(batch), /*slow=*/false, since, work).own = true;
  return true;
}

Dispatcher::InFlight& Dispatcher::Put(int slot, std::vector<Partition::Submission> batch, bool slow,
                                      SteadyTime steady, Work& work) {
  Window& window = windows_[static_cast<size_t>(slot)];
  InFlight packet{window.next_packet_id++, slow, false, false, 0, steady, {}};
  packet.dones.reserve(batch.size());
  Outgoing outgoing{slot, window.link, {}};
  outgoing.packet.set_packet_id(packet.packet_id);
  outgoing.packet.mutable_operations()->Reserve(static_cast<int>(batch.size()));
  for (Partition::Submission& each : batch) {
    *outgoing.packet.add_operations() = std::move(each.operation);
    packet.dones.push_back(std::move(each.done));
    packet.cost += each.cost;
  }
  window.in_flight.push_back(std::move(packet));
  work.outgoing.push_back(std::move(outgoing));
  return window.in_flight.back();
}

bool Dispatcher::IsWedged(const Window& window, SteadyTime steady) const {
  const auto& own = window.own;
  if (window.open && !own.empty() && steady - own.front().since > kForgetTimeout) return true;
  return std::ranges::any_of(window.in_flight, [&](const InFlight& packet) {
    const auto limit = packet.own ? kForgetTimeout : packet.slow ? kSlowTimeout : kSigningTimeout;
    return steady - packet.sent > limit;
  });
}

std::vector<int> Dispatcher::WedgedSlots(SteadyTime steady) const {
  std::vector<int> wedged;
  absl::MutexLock lock(&mu_);
  for (size_t slot = 0; slot < windows_.size(); ++slot) {
    const bool overdue = IsWedged(windows_[slot], steady);
    if (overdue) wedged.push_back(static_cast<int>(slot));
  }
  return wedged;
}

bool Dispatcher::IsIdle() const {
  absl::MutexLock lock(&mu_);
  return queue_.size() == 0 && std::ranges::all_of(windows_, [](const Window& window) {
           return window.in_flight.empty();
         });
}

size_t Dispatcher::QueueDepth() const {
  absl::MutexLock lock(&mu_);
  return queue_.size();
}

void Dispatcher::SetUnavailable(absl::string_view reason, SteadyTime next_start) {
  absl::MutexLock lock(&mu_);
  reason_ = std::string(reason);
  next_start_ = next_start;
}

BreakerState Dispatcher::breaker() const {
  absl::MutexLock lock(&mu_);
  return breaker_.state();
}

std::optional<Dispatcher::SteadyTime> Dispatcher::NextProbe() const {
  absl::MutexLock lock(&mu_);
  if (breaker_.state() != BreakerState::kOpen) return std::nullopt;
  return breaker_.next_probe();
}

std::string Dispatcher::BreakerAlarm() const {
  absl::MutexLock lock(&mu_);
  if (breaker_.state() == BreakerState::kClosed) return "";
  return absl::StrCat("the HSM does not answer: after ", kBreakerThreshold,
                      " failures in a row everything is refused at once until a probe succeeds (",
                      breaker_.failed_probes(), " failed so far)");
}

size_t Dispatcher::OpenCount() const {
  return static_cast<size_t>(std::ranges::count_if(windows_, &Window::open));
}

absl::Status Dispatcher::Unavailable(SteadyTime steady) const {
  return MakeRetryableError(
      absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
      absl::StrCat("no sealward-hsm process is ready (", reason_, "); try again"),
      RetryDelayUntil(next_start_, steady));
}

absl::Status Dispatcher::Gone(SteadyTime steady) const {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                            "the HSM does not answer; it is asked again and again, and meanwhile "
                            "nothing waits for it: try again",
                            RetryDelayUntil(breaker_.next_probe(), steady));
}

}  // namespace sealward::hsm_client
