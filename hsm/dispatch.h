// From packet to packet: decode, check the caps, call the verbs.
#ifndef SEALWARD_HSM_DISPATCH_H_
#define SEALWARD_HSM_DISPATCH_H_

#include <google/protobuf/arena.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/packet_socket.h"
#include "hsm/outage.h"
#include "hsm/verbs.h"

namespace sealward::hsm {

inline constexpr uint32_t kMaxListLimit = 256;
// "tenants/" + 63 + "/keys/" + 63.
inline constexpr size_t kMaxKeyNameBytes = 140;
// Longest message and reason of an error that goes back.
inline constexpr size_t kMaxErrorMessageBytes = 512;
inline constexpr size_t kMaxErrorReasonBytes = 64;
// A PublicKey result: a SubjectPublicKeyInfo of at most 1,024 bytes with its ObjectRef.
inline constexpr size_t kMaxPublicKeyBytes = 1280;

// Dispatcher answers packets, one at a time, in order. Not thread-safe.
class Dispatcher {
 public:
  // `start_number` stands in every answer.
  Dispatcher(Verbs& verbs, uint64_t start_number);

  // Answers one packet. An error means that the packet breaks the protocol
  // (proto/sealward/hsm/v1/hsm.proto): undecodable, unknown fields, no or an
  // unknown verb, a cap exceeded, a packet_id used twice. The
  // process must end then, and nothing of the packet was carried out.
  // Once outage().over(), every operation is refused and the process must end, too.
  absl::Status Answer(absl::string_view packet, std::string& answer);

  const Outage& outage() const { return outage_; }

 private:
  absl::Status Check(const v1::RequestPacket& request) const;
  void Watch(const v1::Operation& operation, const absl::Status& status);
  void Carry(const v1::Operation& operation, size_t room_bytes, v1::Result& result);

  Verbs& verbs_;
  uint64_t start_number_;
  Outage outage_;
  // Of as many packets as can be in flight, oldest first.
  std::array<uint64_t, kMaxPacketsInFlight> recent_ids_{};
  // Messages of one packet live here; the first block is reused, so that a
  // packet of the usual size costs no allocation for them.
  std::vector<char> block_;
  google::protobuf::Arena arena_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_DISPATCH_H_
