#include "hsm/packet_loop.h"

#include <poll.h>

#include <array>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "hsm/dispatch.h"
#include "hsm/exit_codes.h"
#include "hsm/packet_reader.h"
#include "hsm/pin_latch.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/stack_burn.h"

namespace sealward::hsm {
namespace {

// Waits until there is a packet at `fd`, or `flag` is set, which is then cleared; an `fd`
// of -1 is not waited for. Whether there is a packet, or the end of the connection.
bool AwaitPacketOr(EventFlag& flag, int fd) {
  std::array<pollfd, 2> events{{{fd, POLLIN, 0}, {flag.fd(), POLLIN, 0}}};
  if (poll(events.data(), events.size(), /*timeout=*/-1) < 0) return false;  // EINTR
  if (events[1].revents != 0) flag.Clear();
  return events[0].revents != 0;
}

}  // namespace

absl::Status EndedBy(const absl::Status& status) {
  return absl::IsOutOfRange(status) || absl::IsUnavailable(status)
             ? absl::OkStatus()
             : WithExitCode(kExitProtocolViolation, status);
}

absl::Status EndedBy(const Outage& outage) {
  if (outage.fate() == Fate::kLatch) return PinLatch::Refused(outage.cause());
  return ExitError(kExitHsmLost, "HSM_LOST",
                   absl::StrCat("the HSM or the login to it is gone (",
                                pkcs11::RvName(outage.cause()), "); a new process is needed"));
}

namespace {

absl::Status AnswerToTheEnd(const PacketSocket& socket, Verbs& verbs, Dispatcher& dispatcher) {
  PacketReader reader;
  std::string answer;
  std::optional<absl::Status> ended;  // why no further packet is taken
  for (;;) {
    if (!dispatcher.idle() && dispatcher.CanFinish()) {
      if (absl::Status s = dispatcher.Finish(answer); !s.ok()) {
        return WithExitCode(kExitProtocolViolation, s);
      }
      if (absl::Status s = socket.SendBlocking(answer); !s.ok()) return EndedBy(s);
      if (dispatcher.outage().over()) return EndedBy(dispatcher.outage());
      continue;
    }
    if (dispatcher.idle() && ended) return *ended;
    const bool may_take = !ended && dispatcher.CanTake();
    if (!dispatcher.idle() && !AwaitPacketOr(*verbs.signed_flag(), may_take ? socket.fd() : -1)) {
      continue;
    }
    const auto packet = reader.Receive(socket.fd(), BurnStack);
    if (!packet.ok()) {
      ended = EndedBy(packet.status());
    } else if (absl::Status s = dispatcher.Take(*packet); !s.ok()) {
      ended = WithExitCode(kExitProtocolViolation, s);
    }
  }
}

}  // namespace

absl::Status AnswerPackets(const PacketSocket& socket, Verbs& verbs, uint64_t start_number) {
  Dispatcher dispatcher(verbs, start_number);
  const absl::Status ended = AnswerToTheEnd(socket, verbs, dispatcher);
  // However it ended, and though nobody may be left to be told: a PIN that the HSM objected to
  // is not presented again.
  dispatcher.Abandon();
  return dispatcher.outage().fate() == Fate::kLatch ? EndedBy(dispatcher.outage()) : ended;
}

}  // namespace sealward::hsm
