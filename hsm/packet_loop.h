// From the socket to the dispatcher and back.
#ifndef SEALWARD_HSM_PACKET_LOOP_H_
#define SEALWARD_HSM_PACKET_LOOP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "common/packet_socket.h"
#include "hsm/outage.h"
#include "hsm/verbs.h"

namespace sealward::hsm {

// Answers packets until the peer goes (OK), or with the exit code of what ends the process:
// a packet that breaks the protocol, or an HSM that is lost. Before each end but the last,
// packets that were taken before are answered.
absl::Status AnswerPackets(const PacketSocket& socket, Verbs& verbs, uint64_t start_number);

// OK if `status` says that the peer went, or else with an exit code.
absl::Status EndedBy(const absl::Status& status);
// The last act of a process that can do nothing more with its HSM.
absl::Status EndedBy(const Outage& outage);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PACKET_LOOP_H_
