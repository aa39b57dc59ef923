// What a signature costs a process, before it is made.
#ifndef SEALWARD_SERVER_HSM_CLIENT_COST_H_
#define SEALWARD_SERVER_HSM_CLIENT_COST_H_

#include "sealward/v1/algorithm.pb.h"

namespace sealward::hsm_client {

// Cost is measured in P-256 signatures. The table is from SoftHSM2 on one core
// (22,000, 5,400, 1,500 and so on a second); on an HSM with other ratios tenants
// share by these weights all the same, and nothing else depends on them.
constexpr int CostOf(v1::Algorithm algorithm) {
  switch (algorithm) {
    case v1::ALGORITHM_EDDSA_ED25519:
      return 4;
    case v1::ALGORITHM_RS256_2048:
      return 15;
    case v1::ALGORITHM_RS256_3072:
      return 45;
    case v1::ALGORITHM_RS256_4096:
      return 100;
    default:
      return 1;  // P-256, and what sealward-hsm will refuse
  }
}

// Of the operations in one packet, so that no process is away for long: what a
// tenant with cheap signatures waits for. One that costs more goes alone.
inline constexpr int kMaxPacketCost = 32;

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_COST_H_
