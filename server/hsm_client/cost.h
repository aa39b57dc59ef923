// What a signature costs a process, before it is made.
#ifndef SEALWARD_SERVER_HSM_CLIENT_COST_H_
#define SEALWARD_SERVER_HSM_CLIENT_COST_H_

#include "common/algorithms.h"

namespace sealward::hsm_client {

// Cost is measured in P-256 signatures. The table is from SoftHSM2 on one core
// (P-256 22,000 a second, Ed25519 5,400, RSA-2048 1,500); on an HSM with other ratios tenants
// share by these weights all the same, and nothing else depends on them.
inline int CostOf(const AlgorithmInfo& algorithm) {
  switch (algorithm.modulus_bits) {
    case 2048:
      return 15;
    case 3072:
      return 45;
    case 4096:
      return 100;
    default:
      break;
  }
  if (algorithm.key_type == KeyType::kOkp) return 4;
  // Of P-256 and P-521 OpenSSL has code of their own, of P-384 it has not.
  if (algorithm.crv == "P-384") return 25;
  if (algorithm.crv == "P-521") return 12;
  return 1;
}

// Of the operations in one packet, for each session that the process signs in at the
// same time, so that no process is away for long: what a tenant with cheap signatures
// waits for. One that costs more goes alone.
inline constexpr int kMaxPacketCost = 32;

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_COST_H_
