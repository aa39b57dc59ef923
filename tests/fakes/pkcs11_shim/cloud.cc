// The kind `cloud`: what the PKCS#11 libraries of cloud HSMs have, and nothing else. AWS
// CloudHSM's SDK 5 lists neither C_CopyObject nor C_SetAttributeValue; objects come from
// generating keys alone, and tokens and PINs are made with the vendor's tools.
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

}  // namespace

void Shape(CK_FUNCTION_LIST& list) {
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
