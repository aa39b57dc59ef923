// The PKCS#11 v2.40 declarations, as p11-kit ships them. Only its header is
// used: p11-kit itself is not linked.
#ifndef SEALWARD_HSM_PKCS11_CRYPTOKI_H_
#define SEALWARD_HSM_PKCS11_CRYPTOKI_H_

#include <p11-kit/pkcs11.h>

#endif  // SEALWARD_HSM_PKCS11_CRYPTOKI_H_
