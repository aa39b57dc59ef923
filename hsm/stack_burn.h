// Wiping what signing leaves on the stack.
#ifndef SEALWARD_HSM_STACK_BURN_H_
#define SEALWARD_HSM_STACK_BURN_H_

namespace sealward::hsm {

inline constexpr int kBurnBytes = 128 * 1024;

// Overwrites the kBurnBytes of stack below the caller. A module that signs leaves
// ECDSA nonces there; with a recorded signature one of them gives the key away.
// Called after each signature, by the thread that signed, before anybody has it; and
// before the process waits for work, for what login and generating leave. A dump that
// is made while the module signs holds the nonce all the same.
void BurnStack();

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_STACK_BURN_H_
