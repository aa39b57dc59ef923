#include "server/hsm_client/process_partition.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "common/packet_socket.h"
#include "server/hsm_client/reap.h"

namespace sealward::hsm_client {
namespace {

using std::chrono::steady_clock;

// How often Stop looks whether the work under way has finished.
constexpr absl::Duration kDrainPeriod = absl::Milliseconds(5);

// Whether a process that never got ready says that the HSM, not it, was the reason.
bool FoundHsmGone(std::optional<int> exit_code) {
  return exit_code == kExitHsmLost || exit_code == kExitPartitionUnusable;
}

// Whether a process that is started now would end in the same way.
bool MeetsTheNext(std::optional<int> exit_code) {
  return FoundHsmGone(exit_code) || exit_code == kExitPinLatched || exit_code == kExitConfig;
}

std::string SlowStartAlarm(int pid) {
  return absl::StrCat("sealward-hsm ", pid, " is not ready after ",
                      absl::FormatDuration(absl::FromChrono(kStartPatience)),
                      ": it hangs in the HSM or waits for the partition's lock; it is not killed, "
                      "because that could damage the partition");
}

}  // namespace

std::unique_ptr<ProcessPartition> ProcessPartition::Start(Options options) {
  options.processes = std::clamp(options.processes, 1, kMaxProcesses);
  std::unique_ptr<ProcessPartition> partition(new ProcessPartition(std::move(options)));
  partition->supervisor_ = std::thread([raw = partition.get()] { raw->Supervise(); });
  return partition;
}

ProcessPartition::ProcessPartition(Options options)
    : options_(std::move(options)),
      dispatcher_(options_.processes),
      slots_(static_cast<size_t>(options_.processes)),
      schedule_(slots_.size()) {}

ProcessPartition::~ProcessPartition() { Stop(steady_clock::now()); }

absl::Status ProcessPartition::WaitForFirstProcess() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&first_outcome_known_));
  return HealthLocked();
}

absl::Status ProcessPartition::Health() const {
  absl::MutexLock lock(&mu_);
  return HealthLocked();
}

absl::Status ProcessPartition::HealthLocked() const {
  const bool ready =
      std::ranges::any_of(slots_, [](const Slot& slot) { return slot.phase == Phase::kReady; });
  if (!ready) return absl::UnavailableError(alarm_);
  const std::string breaker = dispatcher_.BreakerAlarm();
  return breaker.empty() ? absl::OkStatus() : absl::UnavailableError(breaker);
}

void ProcessPartition::Stop(steady_clock::time_point deadline) {
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    stopping_ = true;
    first_outcome_known_ = true;
    bool never = false;
    while (!dispatcher_.IsIdle() && steady_clock::now() < deadline) {
      mu_.AwaitWithTimeout(absl::Condition(&never), kDrainPeriod);
    }
  }
  supervisor_.join();
  std::vector<std::thread> readers;
  {
    absl::MutexLock lock(&mu_);
    for (Slot& slot : slots_) {
      if (slot.link) slot.link->socket.Shutdown();
      if (slot.reader.joinable()) readers.push_back(std::move(slot.reader));
    }
  }
  for (std::thread& reader : readers) reader.join();
}

void ProcessPartition::Submit(Submission submission) {
  std::vector<Submission> one;
  one.push_back(std::move(submission));
  SubmitAll(std::move(one));
}

void ProcessPartition::SubmitAll(std::vector<Submission> submissions) {
  Carry(dispatcher_.Submit(std::move(submissions), options_.clock->Now(), options_.steady()));
}

absl::StatusOr<hsm::v1::Result> ProcessPartition::Call(hsm::v1::Operation operation,
                                                       absl::Time deadline) {
  absl::StatusOr<hsm::v1::Result> answer;
  absl::Notification over;
  Submission submission;
  submission.operation = std::move(operation);
  submission.deadline = deadline;
  submission.done = [&](absl::StatusOr<hsm::v1::Result> result) {
    answer = std::move(result);
    over.Notify();
  };
  Submit(std::move(submission));
  over.WaitForNotification();
  return answer;
}

PartitionStatus ProcessPartition::Status() const {
  PartitionStatus status;
  absl::MutexLock lock(&mu_);
  status.description = description_;
  status.pin_latched = pin_latched_;
  status.breaker = dispatcher_.breaker();
  std::vector<std::string> alarms = {alarm_, dispatcher_.BreakerAlarm()};
  for (const Slot& slot : slots_) {
    if (slot.slow_start_told) alarms.push_back(SlowStartAlarm(slot.link ? slot.link->pid : 0));
    status.processes.push_back({slot.link ? slot.link->pid : 0, slot.phase == Phase::kReady,
                                std::max(slot.starts - 1, 0), slot.signatures});
  }
  std::erase(alarms, "");
  status.alarm = absl::StrJoin(alarms, "; ");
  return status;
}

void ProcessPartition::Supervise() {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      const auto wait = NextWake() - options_.steady();
      const auto due = [](ProcessPartition* p) ABSL_EXCLUSIVE_LOCKS_REQUIRED(p->mu_) {
        return p->stopping_ || p->supervisor_due_;
      };
      mu_.AwaitWithTimeout(absl::Condition(+due, this), absl::FromChrono(wait));
      if (stopping_) return;
      supervisor_due_ = false;
    }
    KillWedged();
    TellSlowStarts();
    Carry(dispatcher_.Probe(options_.steady()));
    StartDueProcess();
  }
}

steady_clock::time_point ProcessPartition::NextWake() const {
  auto wake = options_.steady() + kSupervisorPeriod;
  if (const auto probe = dispatcher_.NextProbe()) wake = std::min(wake, *probe);
  const bool starting =
      std::ranges::any_of(slots_, [](const Slot& slot) { return slot.phase == Phase::kStarting; });
  for (size_t i = 0; i < slots_.size() && !starting; ++i) {
    if (slots_[i].phase == Phase::kDown) wake = std::min(wake, schedule_.DueAt(i));
  }
  return wake;
}

std::optional<size_t> ProcessPartition::NextStart() const {
  std::vector<bool> down;
  for (const Slot& slot : slots_) {
    if (slot.phase == Phase::kStarting) return std::nullopt;
    down.push_back(slot.phase == Phase::kDown);
  }
  return schedule_.Next(down, options_.steady());
}

// At most one process is on its way at any time: logins are serialised by the
// partition's lock anyway, and a PIN that the first one finds wrong is not
// presented by a second.
void ProcessPartition::StartDueProcess() {
  int slot = -1;
  std::thread old_reader;
  {
    absl::MutexLock lock(&mu_);
    const auto next = NextStart();
    if (!next) return;
    slot = static_cast<int>(*next);
    Slot& starting = slots_[*next];
    starting.phase = Phase::kStarting;
    starting.started_at = options_.steady();
    starting.wedged = false;
    starting.signatures_of_this = 0;
    ++starting.starts;
    old_reader = std::move(starting.reader);
  }
  if (old_reader.joinable()) old_reader.join();
  auto link = options_.connector->Connect(slot);
  if (!link.ok()) {
    StartFailed(slot, std::string(link.status().message()));
    return;
  }
  std::shared_ptr<Link> shared = std::move(*link);
  Tell(PartitionEvent::Kind::kStarted, slot, shared->pid, "");
  absl::MutexLock lock(&mu_);
  Slot& started = slots_[static_cast<size_t>(slot)];
  started.link = shared;
  started.reader = std::thread([this, slot, shared] { Read(slot, shared); });
}

void ProcessPartition::StartFailed(int slot, const std::string& why) {
  Tell(PartitionEvent::Kind::kStartFailed, slot, 0, why);
  absl::MutexLock lock(&mu_);
  alarm_ = why;
  first_outcome_known_ = true;
  // Another slot's socket, or another fork, may work.
  dispatcher_.SetUnavailable(why, PutDown(slot, RestartSchedule::Cause::kProcess));
}

ProcessPartition::SteadyTime ProcessPartition::PutDown(int slot, RestartSchedule::Cause cause) {
  const auto index = static_cast<size_t>(slot);
  slots_[index].phase = Phase::kDown;
  slots_[index].link.reset();
  slots_[index].slow_start_told = false;
  schedule_.Ended(index, cause, options_.steady());
  supervisor_due_ = true;
  return schedule_.DueAt(index);
}

void ProcessPartition::KillWedged() {
  for (const int slot : dispatcher_.WedgedSlots(options_.steady())) {
    std::shared_ptr<Link> link;
    {
      absl::MutexLock lock(&mu_);
      link = slots_[static_cast<size_t>(slot)].link;
      if (!link || std::exchange(slots_[static_cast<size_t>(slot)].wedged, true)) continue;
    }
    Tell(PartitionEvent::Kind::kWedged, slot, link->pid, "owes an answer for too long");
    // It was ready, else it would owe nothing: killing it is safe.
    if (link->is_child) kill(link->pid, SIGKILL);
    link->socket.Shutdown();
    Carry(dispatcher_.HsmGone(options_.steady()));
  }
}

void ProcessPartition::TellSlowStarts() {
  std::vector<std::pair<int, int>> slow;  // slot, pid
  {
    absl::MutexLock lock(&mu_);
    for (size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      if (slot.phase != Phase::kStarting || slot.slow_start_told || !slot.link ||
          options_.steady() - slot.started_at < kStartPatience) {
        continue;
      }
      slot.slow_start_told = true;
      slow.emplace_back(static_cast<int>(i), slot.link->pid);
    }
  }
  for (const auto& [slot, pid] : slow) {
    Tell(PartitionEvent::Kind::kSlowStart, slot, pid, SlowStartAlarm(pid));
  }
}

void ProcessPartition::Read(int slot, const std::shared_ptr<Link>& link) {
  Ending ending;
  ending.why = ReadReady(slot, link);
  ending.was_ready = ending.why.ok();
  if (ending.was_ready) ending.why = ReadAnswers(slot, *link);
  ending.retired = ending.was_ready && ending.why.ok();
  link->socket.Shutdown();
  Carry(dispatcher_.Close(slot, options_.clock->Now(), options_.steady()));
  if (link->is_child) {
    const std::optional<int> status = Reap(link->pid, ending.was_ready);
    if (status && WIFEXITED(*status)) ending.exit_code = WEXITSTATUS(*status);
    if (!ending.retired && !absl::IsInternal(ending.why)) {
      ending.why =
          absl::UnavailableError(status ? DescribeExit(*status) : "left alone in its login");
    }
  }
  Ended(slot, *link, ending);
}

absl::Status ProcessPartition::ReadReady(int slot, const std::shared_ptr<Link>& link) {
  std::string packet;
  hsm::v1::ResponsePacket response;
  if (absl::Status received = link->socket.Receive(packet); !received.ok()) return received;
  if (!response.ParseFromString(packet) || response.packet_id() != 0 || !response.has_ready()) {
    return absl::InternalError("sealward-hsm did not begin with Ready");
  }
  for (const std::string& alarm : response.ready().alarms()) {
    Tell(PartitionEvent::Kind::kAlarm, slot, link->pid, alarm);
  }
  // First: whoever is told that a process is ready may submit at once.
  Carry(dispatcher_.Open(slot, link, options_.clock->Now(), options_.steady(),
                         response.ready().description().signing_sessions()));
  {
    absl::MutexLock lock(&mu_);
    Slot& ready = slots_[static_cast<size_t>(slot)];
    ready.phase = Phase::kReady;
    ready.slow_start_told = false;
    schedule_.Ready(static_cast<size_t>(slot), options_.steady());
    description_ = response.ready().description();
    pin_latched_ = false;
    alarm_.clear();
    first_outcome_known_ = true;
    supervisor_due_ = true;
  }
  Tell(PartitionEvent::Kind::kReady, slot, link->pid, "");
  return absl::OkStatus();
}

absl::Status ProcessPartition::ReadAnswers(int slot, const Link& link) {
  std::string packet;
  hsm::v1::ResponsePacket response;
  for (;;) {
    if (absl::Status received = link.socket.Receive(packet); !received.ok()) return received;
    if (!response.ParseFromString(packet)) {
      return absl::InternalError("sealward-hsm sent what is no answer");
    }
    const auto signatures = std::ranges::count_if(
        response.results(), [](const hsm::v1::Result& result) { return result.has_signature(); });
    auto work = dispatcher_.Answer(slot, response, options_.clock->Now(), options_.steady());
    if (!work.ok()) return work.status();
    const bool may_go = MayGo(slot, signatures);
    Carry(std::move(*work));
    if (may_go) return absl::OkStatus();
  }
}

bool ProcessPartition::MayGo(int slot, int64_t more_signatures) {
  const bool enough = [&] {
    absl::MutexLock lock(&mu_);
    Slot& counted = slots_[static_cast<size_t>(slot)];
    counted.signatures += more_signatures;
    counted.signatures_of_this += more_signatures;
    return counted.signatures_of_this >= options_.retire_after_signatures;
  }();
  if (enough) dispatcher_.Retire(slot);
  return enough && dispatcher_.IsDrained(slot);
}

void ProcessPartition::Ended(int slot, const Link& link, const Ending& ending) {
  const std::string why =
      ending.retired
          ? absl::StrCat("replaced after ", options_.retire_after_signatures, " signatures")
          : std::string(ending.why.message());
  const bool stopping = [this] {
    absl::MutexLock lock(&mu_);
    return stopping_;
  }();
  Tell(stopping         ? PartitionEvent::Kind::kStopped
       : ending.retired ? PartitionEvent::Kind::kRetired
                        : PartitionEvent::Kind::kEnded,
       slot, link.pid, why);
  // One that was ready has answered what it found.
  if (!ending.was_ready && FoundHsmGone(ending.exit_code)) {
    Carry(dispatcher_.HsmGone(options_.steady()));
  }
  absl::MutexLock lock(&mu_);
  if (ending.exit_code == kExitPinLatched) pin_latched_ = true;
  Slot& ended = slots_[static_cast<size_t>(slot)];
  const bool others = std::ranges::any_of(
      slots_, [&](const Slot& other) { return &other != &ended && other.phase == Phase::kReady; });
  if (!others && !stopping_) alarm_ = why;
  first_outcome_known_ = true;
  const bool next_meets_it = ended.wedged || MeetsTheNext(ending.exit_code);
  dispatcher_.SetUnavailable(why, PutDown(slot, next_meets_it ? RestartSchedule::Cause::kPartition
                                                              : RestartSchedule::Cause::kProcess));
}

void ProcessPartition::Carry(Dispatcher::Work work) {
  thread_local std::string buffer;
  for (const Dispatcher::Outgoing& outgoing : work.outgoing) {
    outgoing.packet.SerializeToString(&buffer);
    // A process that does not take a packet is dead or wedged: its reader sees
    // the end of the socket, fails what it owed and has it replaced.
    if (!outgoing.link->socket.Send(buffer).ok()) outgoing.link->socket.Shutdown();
  }
  for (Dispatcher::Finished& finished : work.finished) {
    finished.done(std::move(finished.result));
  }
  if (!work.turned) return;
  const bool opened = *work.turned == BreakerState::kOpen;
  Tell(opened ? PartitionEvent::Kind::kBreakerOpened : PartitionEvent::Kind::kBreakerClosed, 0, 0,
       opened ? dispatcher_.BreakerAlarm() : "the HSM answers again");
  absl::MutexLock lock(&mu_);
  supervisor_due_ = true;  // for the next probe
}

void ProcessPartition::Tell(PartitionEvent::Kind kind, int slot, int pid, std::string detail) {
  options_.on_event({kind, slot, pid, std::move(detail)});
}

}  // namespace sealward::hsm_client
