#include "hsm/serve.h"

#include <google/protobuf/stubs/logging.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/packet_socket.h"
#include "hsm/config.h"
#include "hsm/connection.h"
#include "hsm/exit_codes.h"
#include "hsm/hardening.h"
#include "hsm/log.h"
#include "hsm/open_partition.h"
#include "hsm/packet_loop.h"
#include "hsm/partition.h"
#include "hsm/pin_latch.h"

namespace sealward::hsm {
namespace {

std::atomic<int> waited_fd = -1;
std::atomic<bool> terminated = false;

// Ends the receiving direction of what the process waits for: accept fails, or
// packets that have arrived are still answered and then the loop sees the end of
// file. Async-signal-safe.
void OnTerminate(int) {
  terminated = true;
  shutdown(waited_fd.load(), SHUT_RD);
}

sigset_t TerminateSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  return set;
}

void HoldSignals() {
  for (const int ignored : {SIGINT, SIGHUP, SIGPIPE}) std::signal(ignored, SIG_IGN);
  const sigset_t set = TerminateSet();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

// From here on SIGTERM, also one that came before, ends the waiting for `fd`.
void LetTerminate(int fd) {
  waited_fd = fd;
  struct sigaction action{};
  action.sa_handler = OnTerminate;
  sigaction(SIGTERM, &action, nullptr);
  const sigset_t set = TerminateSet();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  if (terminated) shutdown(fd, SHUT_RD);
}

absl::Status SendReady(const PacketSocket& socket, Partition& partition, uint64_t start_number) {
  v1::ResponsePacket packet;
  packet.set_start_number(start_number);
  v1::Ready& ready = *packet.mutable_ready();
  if (absl::Status s = partition.Describe(*ready.mutable_description()); !s.ok()) return s;
  for (const std::string& alarm : partition.open().alarms) ready.add_alarms(alarm);
  return socket.SendBlocking(packet.SerializeAsString());
}

// Why there is no partition to serve. A CKR_PIN_* latches here, too, whatever
// function it came from.
absl::Status NotMade(const absl::Status& status) {
  return WithUnusableExitCode(PinLatch::IfRefused(status));
}

absl::Status Run(const ServeOptions& options) {
  std::optional<Listener> listener;
  std::optional<PacketSocket> socket;
  if (options.listen.empty()) {
    auto adopted = AdoptSocket(options.fd);
    if (!adopted.ok()) return adopted.status();
    socket = *std::move(adopted);
  } else {
    auto bound = Listener::Bind(options.listen);
    if (!bound.ok()) return bound.status();
    listener = *std::move(bound);
  }
  if (absl::Status s = EnterPartition(options.directory); !s.ok()) return s;
  if (absl::Status s = ForbidDumps(); !s.ok()) return s;
  if (listener) {
    if (absl::Status s = listener->Listen(); !s.ok()) return s;
    LogInfo(absl::StrCat("listening on ", options.listen));
  }
  auto config = LoadConfig();
  if (!config.ok()) return config.status();
  if (absl::Status s = Harden(*config->profile); !s.ok()) return s;

  const int peer_fd = socket ? socket->fd() : -1;
  auto open = LogIn(*config, peer_fd);
  if (!open.ok()) return NotMade(open.status());
  const SystemClock clock;
  auto partition = Partition::Create(*std::move(open), clock, peer_fd);
  if (!partition.ok()) return NotMade(partition.status());
  if (listener) {
    LetTerminate(listener->fd());
    auto accepted = listener->Accept(options.peer_uid);
    if (!accepted.ok()) return terminated ? absl::OkStatus() : accepted.status();
    socket = *std::move(accepted);
  }
  uint64_t start_number = 0;
  if (getrandom(&start_number, sizeof start_number, 0) != sizeof start_number) {
    return ErrnoStatus("getrandom", "for the start number");
  }
  if (absl::Status s = SendReady(*socket, **partition, start_number); !s.ok()) return EndedBy(s);
  LetTerminate(socket->fd());
  LogInfo(absl::StrCat("ready: partition \"", (*partition)->open().slot.label, "\""));
  return AnswerPackets(*socket, **partition, start_number);
}

}  // namespace

int Serve(const ServeOptions& options) {
  HoldSignals();
  // What a packet that cannot be decoded has to say is in our own log.
  google::protobuf::SetLogHandler(nullptr);
  const absl::Status status = Run(options);
  // The peer went while this process waited for the lock.
  if (absl::IsCancelled(status)) return kExitOk;
  if (!status.ok()) LogError(std::string(status.message()));
  return ExitCodeOf(status);
}

}  // namespace sealward::hsm
