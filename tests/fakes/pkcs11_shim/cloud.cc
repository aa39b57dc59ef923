// The kind `cloud`: what the PKCS#11 libraries of cloud HSMs have, and nothing else. AWS
// CloudHSM's SDK 5 lists neither C_CopyObject nor C_SetAttributeValue; objects come from
// generating keys alone, and tokens and PINs are made with the vendor's tools. And it reads
// attributes as sloppily as some do.
#include "tests/fakes/pkcs11_shim/pkcs11_shim.h"

namespace sealward::pkcs11_shim {
namespace {

template <typename... Arguments>
CK_RV NotSupported(Arguments... /*arguments*/) {
  return CKR_FUNCTION_NOT_SUPPORTED;
}

template <typename... Arguments>
void Refuse(CK_RV (*&function)(Arguments...)) {
  function = NotSupported<Arguments...>;
}

// Stops at the first attribute that the object does not have, and leaves the rest as it is,
// where the standard says to go on.
decltype(CK_FUNCTION_LIST::C_GetAttributeValue) get_attribute_value = nullptr;
CK_RV UntilTheFirstError(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                         CK_ATTRIBUTE* attributes, CK_ULONG count) {
  for (CK_ULONG n = 0; n < count; ++n) {
    const CK_RV rv = get_attribute_value(session, object, attributes + n, 1);
    if (rv != CKR_OK) return rv;
  }
  return CKR_OK;
}

}  // namespace

void Shape(CK_FUNCTION_LIST& list) {
  get_attribute_value = list.C_GetAttributeValue;
  list.C_GetAttributeValue = UntilTheFirstError;
  Refuse(list.C_InitToken);
  Refuse(list.C_InitPIN);
  Refuse(list.C_SetPIN);
  Refuse(list.C_GetOperationState);
  Refuse(list.C_SetOperationState);
  Refuse(list.C_CreateObject);
  Refuse(list.C_CopyObject);
  Refuse(list.C_GetObjectSize);
  Refuse(list.C_SetAttributeValue);
  Refuse(list.C_SignUpdate);
  Refuse(list.C_SignFinal);
  Refuse(list.C_SignRecoverInit);
  Refuse(list.C_SignRecover);
  Refuse(list.C_VerifyRecoverInit);
  Refuse(list.C_VerifyRecover);
  Refuse(list.C_DigestEncryptUpdate);
  Refuse(list.C_DecryptDigestUpdate);
  Refuse(list.C_SignEncryptUpdate);
  Refuse(list.C_DecryptVerifyUpdate);
  Refuse(list.C_WrapKey);
  Refuse(list.C_UnwrapKey);
  Refuse(list.C_DeriveKey);
  Refuse(list.C_SeedRandom);
  Refuse(list.C_GetFunctionStatus);
  Refuse(list.C_CancelFunction);
  Refuse(list.C_WaitForSlotEvent);
}

}  // namespace sealward::pkcs11_shim
