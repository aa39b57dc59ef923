// The transport between sealward-server and sealward-hsm: one protobuf message
// a SOCK_SEQPACKET packet. The messages are in proto/sealward/hsm/v1/hsm.proto.
#ifndef SEALWARD_COMMON_PACKET_SOCKET_H_
#define SEALWARD_COMMON_PACKET_SOCKET_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward {

// The protocol's caps. Both sides check them; breaking one ends the process.
inline constexpr int kMaxOperationsPerPacket = 16;
inline constexpr size_t kMaxOperationDataBytes = 96 * 1024;
// Below the kernel's default limit for one packet (212,960 bytes, EMSGSIZE).
inline constexpr size_t kMaxPacketBytes = 192 * 1024;
inline constexpr int kMaxPacketsInFlight = 2;

// PacketSocket owns one end of a connected SOCK_SEQPACKET socket. Move-only,
// because it owns the descriptor. One thread may send while another receives.
class PacketSocket {
 public:
  // Takes over `fd`, a connected SOCK_SEQPACKET socket.
  explicit PacketSocket(int fd) : fd_(fd) {}
  PacketSocket(PacketSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  PacketSocket& operator=(PacketSocket&& other) noexcept;
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;
  ~PacketSocket();

  // Both ends of a new pair, close-on-exec.
  static absl::StatusOr<std::pair<PacketSocket, PacketSocket>> Pair();

  // Sends one packet without blocking. RESOURCE_EXHAUSTED if the peer does not
  // read (with at most kMaxPacketsInFlight packets under way that means it is
  // wedged); UNAVAILABLE if it is gone; INVALID_ARGUMENT for an empty packet
  // (the peer would read it as end of file) or one over kMaxPacketBytes.
  absl::Status Send(absl::string_view packet) const;

  // As Send, but waits until the peer reads. For the side that has nothing else
  // to do.
  absl::Status SendBlocking(absl::string_view packet) const;

  // Waits for one packet and puts it in `packet`. OUT_OF_RANGE at end of file;
  // INVALID_ARGUMENT for a packet over kMaxPacketBytes or with passed
  // descriptors (which are closed).
  absl::Status Receive(std::string& packet) const;

  // Ends both directions: a blocked Receive, here or at the peer, sees the end
  // of file.
  void Shutdown() const;

  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace sealward

#endif  // SEALWARD_COMMON_PACKET_SOCKET_H_
