// The control of tests/containment: sealward-hsm without what keeps it from being
// read. It serves the same partition over the same protocol with the same code, but can
// be dumped, has no sandbox, overwrites nothing that it leaves behind, and has the PIN in
// its environment. An attack that finds nothing in it has proved nothing about ours.
//
//   unhardened_signer serve --dir DIR --fd N
//
// as sealward-server starts it. Never installed; built with the tests only.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "common/clock.h"
#include "common/measures.h"
#include "hsm/connection.h"
#include "hsm/dispatch.h"
#include "hsm/hardening.h"
#include "hsm/open_partition.h"
#include "hsm/packet_reader.h"
#include "hsm/partition.h"

namespace sealward::hsm {
namespace {

constexpr char kPinVariable[] = "SEALWARD_CONTROL_PIN";
// The measures that the common code takes by itself (common/measures.h). Memory is wiped
// on free only by the program that links wipe_on_free.cc.
constexpr char kLeftOut[] = "stack-burn,memory-lock,pin-lock,pin-no-dump,pin-wipe-on-fork,pin-wipe";
constexpr size_t kMostPinBytes = 256;
// A start number says which process answered; here there is nothing to tell apart.
constexpr uint64_t kStartNumber = 1;

// Starts itself again with the PIN in the environment, as a careless operator would.
// After the change of uid, so that the new process can be dumped.
void TakePinIntoEnvironment(char** argv) {
  if (std::getenv(kPinVariable) != nullptr) return;
  std::array<char, kMostPinBytes> pin{};
  const int fd = open("pin", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, pin.data(), pin.size() - 1) <= 0) return;
  pin[std::strcspn(pin.data(), "\r\n")] = '\0';
  setenv(kPinVariable, pin.data(), 1);
  setenv(kWithoutVariable, kLeftOut, 1);
  execv("/proc/self/exe", argv);
}

absl::Status SendReady(const PacketSocket& socket, Partition& partition) {
  v1::ResponsePacket packet;
  packet.set_start_number(kStartNumber);
  if (absl::Status s = partition.Describe(*packet.mutable_ready()->mutable_description());
      !s.ok()) {
    return s;
  }
  return socket.SendBlocking(packet.SerializeAsString());
}

absl::Status Loop(const PacketSocket& socket, Partition& partition) {
  Dispatcher dispatcher(partition, kStartNumber);
  PacketReader reader;
  std::string answer;
  for (;;) {
    const auto packet = reader.Receive(socket.fd(), [] {});
    if (absl::IsOutOfRange(packet.status())) return absl::OkStatus();
    if (!packet.ok()) return packet.status();
    if (absl::Status s = dispatcher.Answer(*packet, answer); !s.ok()) return s;
    if (absl::Status s = socket.SendBlocking(answer); !s.ok()) return absl::OkStatus();
    if (dispatcher.outage().over()) return absl::UnavailableError("the HSM is gone");
  }
}

absl::Status Run(const std::string& directory, int fd, char** argv) {
  if (absl::Status s = EnterPartition(directory); !s.ok()) return s;
  TakePinIntoEnvironment(argv);
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return absl::InternalError("not dumpable");
  auto socket = AdoptSocket(fd);
  if (!socket.ok()) return socket.status();
  auto config = LoadConfig();
  if (!config.ok()) return config.status();
  auto open = LogIn(*config, fd);
  if (!open.ok()) return open.status();
  const SystemClock clock;
  auto partition = Partition::Create(*std::move(open), clock, fd);
  if (!partition.ok()) return partition.status();
  if (absl::Status s = SendReady(*socket, **partition); !s.ok()) return s;
  return Loop(*socket, **partition);
}

}  // namespace
}  // namespace sealward::hsm

int main(int argc, char** argv) {
  if (argc != 6 || std::strcmp(argv[2], "--dir") != 0 || std::strcmp(argv[4], "--fd") != 0) {
    std::cerr << "usage: unhardened_signer serve --dir DIR --fd N\n";
    return 2;
  }
  const absl::Status status = sealward::hsm::Run(argv[3], std::atoi(argv[5]), argv);
  if (!status.ok()) std::cerr << "unhardened_signer: " << status << "\n";
  return status.ok() ? 0 : 1;
}
