// Receiving packets without touching 192 KiB for each of them.
#ifndef SEALWARD_HSM_PACKET_READER_H_
#define SEALWARD_HSM_PACKET_READER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

// PacketReader receives packets into one buffer that it keeps.
// PacketSocket::Receive clears a string of the largest size for each packet,
// which costs more than the packet.
class PacketReader {
 public:
  PacketReader();

  // Waits for a packet; the view is good until the next call. If there is none
  // yet, calls `on_idle` first. OUT_OF_RANGE at end of file, INVALID_ARGUMENT for
  // a packet over kMaxPacketBytes or with anything attached (descriptors are not
  // received; the kernel closes them).
  absl::StatusOr<absl::string_view> Receive(int fd, void (*on_idle)());

 private:
  std::vector<char> buffer_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PACKET_READER_H_
