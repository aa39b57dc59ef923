// From packet to packet: decode, check the caps, call the verbs.
#ifndef SEALWARD_HSM_DISPATCH_H_
#define SEALWARD_HSM_DISPATCH_H_

#include <google/protobuf/arena.h>

#include <array>
#include <cstdint>
#include <optional>
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

// Dispatcher answers packets in the order in which they came. Where the verbs sign in
// parallel, packets that only sign are begun while those before them are under way; what
// else there is has the verbs for itself. Not thread-safe.
class Dispatcher {
 public:
  // `start_number` stands in every answer.
  Dispatcher(Verbs& verbs, uint64_t start_number);
  // Abandons what is under way.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Takes a packet, of which nothing is needed afterwards. An error means that it breaks the
  // protocol (proto/sealward/hsm/v1/hsm.proto): undecodable, unknown fields, no or an
  // unknown verb, a cap exceeded, a packet_id used twice. The process must end then, once it
  // has answered what it took before, and nothing of the packet is carried out.
  // REQUIRES: CanTake().
  absl::Status Take(absl::string_view packet);
  bool CanTake() const;

  // Answers the oldest packet, waiting for its signatures. Once outage().over(), every
  // operation is refused and the process must end. REQUIRES: !idle().
  absl::Status Finish(std::string& answer);
  // Whether Finish would not wait for a signature. REQUIRES: !idle().
  bool CanFinish();
  // Whether no packet is to be answered.
  bool idle() const { return under_way_ == 0; }

  // Both, for one packet at a time. REQUIRES: idle().
  absl::Status Answer(absl::string_view packet, std::string& answer);

  // Forgets the packets under way, after the signatures that were begun: what those say of the
  // HSM counts.
  void Abandon();

  const Outage& outage() const { return outage_; }

 private:
  // Turn is a packet from Take to Finish.
  struct Turn {
    Turn();
    void Begin();
    // Nothing of the packet stays.
    void End();

    // Its messages live here; the first block is reused, so that a packet of the usual
    // size costs no allocation for them.
    std::vector<char> block;
    std::optional<google::protobuf::Arena> arena;
    v1::RequestPacket* request = nullptr;
    v1::ResponsePacket* response = nullptr;
    bool signing = false;         // begun
    std::vector<SignTask> tasks;  // then: one for each operation
  };

  absl::Status Check(const v1::RequestPacket& request) const;
  void Watch(const v1::Operation& operation, const absl::Status& status);
  void Carry(const v1::Operation& operation, size_t room_bytes, v1::Result& result);
  void CarryAll(Turn& turn);
  void BeginSigning(Turn& turn);
  void FinishSigning(Turn& turn);
  Turn& TurnAt(size_t place) { return turns_[(oldest_ + place) % turns_.size()]; }
  const Turn& TurnAt(size_t place) const { return turns_[(oldest_ + place) % turns_.size()]; }

  Verbs& verbs_;
  uint64_t start_number_;
  Outage outage_;
  // Of as many packets as can be in flight, oldest first.
  std::array<uint64_t, kMaxPacketsInFlight> recent_ids_{};
  std::array<Turn, kMaxPacketsInFlight> turns_;  // a ring
  size_t oldest_ = 0;
  size_t under_way_ = 0;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_DISPATCH_H_
