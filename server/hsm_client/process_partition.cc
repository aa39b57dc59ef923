#include "server/hsm_client/process_partition.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/packet_socket.h"
#include "server/hsm_client/reap.h"

namespace sealward::hsm_client {
namespace {

using std::chrono::steady_clock;

// How often Stop looks whether the work under way has finished.
constexpr absl::Duration kDrainPeriod = absl::Milliseconds(5);

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
      slots_(static_cast<size_t>(options_.processes)) {}

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
  return ready ? absl::OkStatus() : absl::UnavailableError(alarm_);
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
  Carry(dispatcher_.Submit(std::move(submissions), options_.clock->Now(), steady_clock::now()));
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
  status.alarm = alarm_;
  for (const Slot& slot : slots_) {
    status.processes.push_back({slot.link ? slot.link->pid : 0, slot.phase == Phase::kReady,
                                std::max(slot.starts - 1, 0), slot.signatures});
  }
  return status;
}

void ProcessPartition::Supervise() {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      const auto wait = NextWake() - steady_clock::now();
      const auto due = [](ProcessPartition* p) ABSL_EXCLUSIVE_LOCKS_REQUIRED(p->mu_) {
        return p->stopping_ || p->supervisor_due_;
      };
      mu_.AwaitWithTimeout(absl::Condition(+due, this), absl::FromChrono(wait));
      if (stopping_) return;
      supervisor_due_ = false;
    }
    KillWedged();
    StartDueProcess();
  }
}

steady_clock::time_point ProcessPartition::NextWake() const {
  auto wake = steady_clock::now() + kSupervisorPeriod;
  const bool starting =
      std::ranges::any_of(slots_, [](const Slot& slot) { return slot.phase == Phase::kStarting; });
  for (const Slot& slot : slots_) {
    if (slot.phase == Phase::kDown && !starting) wake = std::min(wake, slot.restart_at);
  }
  return wake;
}

// At most one process is on its way at any time: logins are serialised by the
// partition's lock anyway, and a PIN that the first one finds wrong is not
// presented by a second.
void ProcessPartition::StartDueProcess() {
  int slot = -1;
  std::thread old_reader;
  {
    absl::MutexLock lock(&mu_);
    const auto now = steady_clock::now();
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].phase == Phase::kStarting) return;
      if (slots_[i].phase == Phase::kDown && slots_[i].restart_at <= now && slot < 0) {
        slot = static_cast<int>(i);
      }
    }
    if (slot < 0) return;
    Slot& starting = slots_[static_cast<size_t>(slot)];
    starting.phase = Phase::kStarting;
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
  dispatcher_.SetUnavailableReason(why);
  absl::MutexLock lock(&mu_);
  alarm_ = why;
  first_outcome_known_ = true;
  Backoff(slots_[static_cast<size_t>(slot)]);
}

void ProcessPartition::Backoff(Slot& slot) {
  slot.phase = Phase::kDown;
  slot.link.reset();
  slot.restart_at = steady_clock::now() + slot.restart_delay;
  slot.restart_delay = std::min(slot.restart_delay * 2, kLastRestartDelay);
  supervisor_due_ = true;
}

void ProcessPartition::KillWedged() {
  for (const int slot : dispatcher_.WedgedSlots(steady_clock::now())) {
    std::shared_ptr<Link> link;
    {
      absl::MutexLock lock(&mu_);
      link = slots_[static_cast<size_t>(slot)].link;
    }
    if (!link) continue;
    Tell(PartitionEvent::Kind::kWedged, slot, link->pid, "owes an answer for too long");
    // It was ready, else it would owe nothing: killing it is safe.
    if (link->is_child) kill(link->pid, SIGKILL);
    link->socket.Shutdown();
  }
}

void ProcessPartition::Read(int slot, const std::shared_ptr<Link>& link) {
  absl::Status why = ReadReady(slot, link);
  const bool was_ready = why.ok();
  if (was_ready) why = ReadAnswers(slot, *link);
  link->socket.Shutdown();
  Carry(dispatcher_.Close(slot));
  if (link->is_child) {
    const std::optional<int> status = Reap(link->pid, was_ready);
    if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == kExitPinLatched) {
      absl::MutexLock lock(&mu_);
      pin_latched_ = true;
    }
    if (!absl::IsInternal(why)) {
      why = absl::UnavailableError(status ? DescribeExit(*status) : "left alone in its login");
    }
  }
  Ended(slot, *link, why);
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
  Carry(dispatcher_.Open(slot, link, options_.clock->Now(), steady_clock::now()));
  {
    absl::MutexLock lock(&mu_);
    Slot& ready = slots_[static_cast<size_t>(slot)];
    ready.phase = Phase::kReady;
    ready.restart_delay = kFirstRestartDelay;
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
    auto work = dispatcher_.Answer(slot, response, options_.clock->Now(), steady_clock::now());
    if (!work.ok()) return work.status();
    {
      absl::MutexLock lock(&mu_);
      slots_[static_cast<size_t>(slot)].signatures += signatures;
    }
    Carry(std::move(*work));
  }
}

void ProcessPartition::Ended(int slot, const Link& link, const absl::Status& why) {
  const bool stopping = [this] {
    absl::MutexLock lock(&mu_);
    return stopping_;
  }();
  Tell(stopping ? PartitionEvent::Kind::kStopped : PartitionEvent::Kind::kEnded, slot, link.pid,
       std::string(why.message()));
  dispatcher_.SetUnavailableReason(why.message());
  absl::MutexLock lock(&mu_);
  Slot& ended = slots_[static_cast<size_t>(slot)];
  const bool others = std::ranges::any_of(
      slots_, [&](const Slot& other) { return &other != &ended && other.phase == Phase::kReady; });
  if (!others && !stopping_) alarm_ = std::string(why.message());
  first_outcome_known_ = true;
  Backoff(ended);
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
}

void ProcessPartition::Tell(PartitionEvent::Kind kind, int slot, int pid, std::string detail) {
  options_.on_event({kind, slot, pid, std::move(detail)});
}

}  // namespace sealward::hsm_client
