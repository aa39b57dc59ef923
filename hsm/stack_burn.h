// Wiping what signing leaves on the stack.
#ifndef SEALWARD_HSM_STACK_BURN_H_
#define SEALWARD_HSM_STACK_BURN_H_

namespace sealward::hsm {

// Overwrites the 128 KiB of stack below the caller. A module that signs leaves
// ECDSA nonces there; with a recorded signature one of them gives the key away.
// Called before a process waits for work, so that an idle one holds none.
void BurnStack();

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_STACK_BURN_H_
