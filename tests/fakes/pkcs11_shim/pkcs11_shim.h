// A PKCS#11 module for tests that is SoftHSM2 in the shape of another kind of HSM. It
// runs inside sealward-hsm's sandbox and may be called by several threads.
#ifndef SEALWARD_TESTS_FAKES_PKCS11_SHIM_PKCS11_SHIM_H_
#define SEALWARD_TESTS_FAKES_PKCS11_SHIM_PKCS11_SHIM_H_

#include <p11-kit/pkcs11.h>

namespace sealward::pkcs11_shim {

// SoftHSM2's functions. Set before Shape is called.
extern const CK_FUNCTION_LIST* real;

// Changes `list`, which holds SoftHSM2's functions, into the kind's. Each kind has a
// file of its own with it.
void Shape(CK_FUNCTION_LIST& list);

}  // namespace sealward::pkcs11_shim

#endif  // SEALWARD_TESTS_FAKES_PKCS11_SHIM_PKCS11_SHIM_H_
