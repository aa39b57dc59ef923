#include "tests/fakes/pkcs11_shim/pkcs11_shim.h"

#include <dlfcn.h>

namespace sealward::pkcs11_shim {

const CK_FUNCTION_LIST* real = nullptr;

namespace {

constexpr char kRealModule[] = "/usr/lib/softhsm/libsofthsm2.so";

CK_FUNCTION_LIST shaped;

CK_RV GetFunctionList(CK_FUNCTION_LIST** list) {
  void* library = dlopen(kRealModule, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get_list =
      reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* found = nullptr;
  if (get_list == nullptr || get_list(&found) != CKR_OK) return CKR_GENERAL_ERROR;
  real = found;
  shaped = *found;
  Shape(shaped);
  *list = &shaped;
  return CKR_OK;
}

}  // namespace
}  // namespace sealward::pkcs11_shim

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  return sealward::pkcs11_shim::GetFunctionList(list);
}
