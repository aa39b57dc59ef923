// CK_RV values as names and as absl::Status.
#ifndef SEALWARD_HSM_PKCS11_RV_H_
#define SEALWARD_HSM_PKCS11_RV_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hsm/pkcs11/cryptoki.h"

namespace sealward::pkcs11 {

// "CKR_PIN_INCORRECT", or "CKR_0x80000001" for values that PKCS#11 v2.40 does
// not name.
std::string RvName(CK_RV rv);

// A status that says `what` failed with `rv`; the value travels along and
// RvOf gives it back. OK for CKR_OK.
//
// Codes: RESOURCE_EXHAUSTED for memory and session limits, UNAVAILABLE where
// the token or session is gone, PERMISSION_DENIED for CKR_PIN_*,
// FAILED_PRECONDITION where the module lacks or does not allow what was asked for,
// NOT_FOUND for a handle that ended, else INTERNAL.
absl::Status RvStatus(CK_RV rv, absl::string_view what);

// The CK_RV behind `status`, or CKR_OK if there is none.
CK_RV RvOf(const absl::Status& status);

// Whether `rv` says that the PIN was refused or may not be used.
bool IsPinRefusal(CK_RV rv);

// Whether `rv` says that an object handle no longer means anything.
bool IsStaleHandle(CK_RV rv);

// Whether `rv` says that token, session, login or library state is lost, so that
// only a new process (C_Initialize and login afresh) can help. CKR_DEVICE_ERROR is
// one: p11-kit's client and others answer it until they are initialised anew.
bool IsTokenLost(CK_RV rv);

// Whether `rv` is what a module answers for one broken key as well as after it
// lost its HSM: memory, "general error", "function failed", a vendor's own values.
bool IsDoubtful(CK_RV rv);

// Whether `rv` says that memory or sessions are used up: trying at once again
// would only use more.
bool IsExhausted(CK_RV rv);

}  // namespace sealward::pkcs11

#endif  // SEALWARD_HSM_PKCS11_RV_H_
