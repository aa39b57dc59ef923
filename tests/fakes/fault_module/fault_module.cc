// A PKCS#11 module for tests: SoftHSM2, with every call counted and with the
// faults of a script (fault_script.h). It runs inside sealward-hsm's sandbox, so it
// makes only system calls that SoftHSM2 itself needs: no sleep, no raise.
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/fault_module/fault_script.h"

namespace sealward::fault_module {
namespace {

// How often a call that hangs looks whether it still has to, in ms.
constexpr int kHangPeriodMs = 20;

CK_FUNCTION_LIST* real = nullptr;
Script* script = nullptr;

// Sessions that the process has.
std::atomic<uint64_t> open_sessions = 0;

void Sleep(int ms) { poll(nullptr, 0, ms); }

// Not raise(): the sandbox kills for that, with another signal.
[[noreturn]] void Die() {
  for (;;) kill(getpid(), SIGKILL);
}

[[noreturn]] void EmptyTokenObjectAndDie() {
  std::ifstream config("hsm.toml");
  const std::string text((std::istreambuf_iterator<char>(config)), {});
  const size_t start = text.find("tokens/");
  const std::string path = text.substr(start, text.find_first_of("'\"", start) - start);
  close(open((path + "/token.object").c_str(), O_WRONLY | O_TRUNC));
  Die();
}

// Several threads may call; the script is for one.
std::mutex script_mutex;

bool Hangs(const std::string& function) {
  const std::scoped_lock lock(script_mutex);
  return script->Hangs(function);
}

void Hang(const std::string& function) {
  while (Hangs(function)) Sleep(kHangPeriodMs);
}

// What happens before a call; a CK_RV if the call is not to be made.
std::optional<CK_RV> Before(const std::string& function, const Fault& fault) {
  switch (fault.action) {
    case Fault::Action::kReturn:
      return fault.value;
    case Fault::Action::kDelay:
      Sleep(static_cast<int>(fault.value));
      break;
    case Fault::Action::kHang:
      Hang(function);
      break;
    case Fault::Action::kDie:
      Die();
    case Fault::Action::kEmptyTokenObject:
      EmptyTokenObjectAndDie();
    case Fault::Action::kLimit:
      if (open_sessions >= fault.value) return CKR_SESSION_COUNT;
      break;
    default:
      break;
  }
  return std::nullopt;
}

// Spoil does what comes after a call that went well. One overload for each
// signature that has something to spoil; the others have nothing.
template <typename... Arguments>
void Spoil(const Fault& /*fault*/, Arguments... /*arguments*/) {}

// C_Sign and its like.
void Spoil(const Fault& fault, CK_SESSION_HANDLE /*session*/, unsigned char* /*data*/,
           CK_ULONG /*data_size*/, unsigned char* out, CK_ULONG* size) {
  if (fault.action == Fault::Action::kTruncate) *size -= std::min<CK_ULONG>(*size, fault.value);
  if (fault.action == Fault::Action::kFlip && out != nullptr) out[*size - 1] ^= 1;
}

// C_FindObjects.
void Spoil(const Fault& fault, CK_SESSION_HANDLE /*session*/, CK_OBJECT_HANDLE* /*objects*/,
           CK_ULONG /*room*/, CK_ULONG* count) {
  if (fault.action == Fault::Action::kTruncate) *count -= std::min<CK_ULONG>(*count, fault.value);
  if (fault.action == Fault::Action::kOverstate) *count += fault.value;
}

// C_GetSlotList.
void Spoil(const Fault& fault, CK_BBOOL /*with_token*/, CK_SLOT_ID* /*slots*/, CK_ULONG* count) {
  if (fault.action == Fault::Action::kOverstate) *count += fault.value;
}

// C_GetMechanismList.
void Spoil(const Fault& fault, CK_SLOT_ID /*slot*/, CK_MECHANISM_TYPE* /*mechanisms*/,
           CK_ULONG* count) {
  if (fault.action == Fault::Action::kOverstate) *count += fault.value;
}

// C_GetAttributeValue. What is shorter than a hash is a flag or a number.
void Spoil(const Fault& fault, CK_SESSION_HANDLE /*session*/, CK_OBJECT_HANDLE /*object*/,
           CK_ATTRIBUTE* attributes, CK_ULONG count) {
  for (CK_ATTRIBUTE* each = attributes; each != attributes + count; ++each) {
    if (each->ulValueLen == CK_UNAVAILABLE_INFORMATION) continue;
    if (fault.action == Fault::Action::kTruncate && each->ulValueLen >= 32) {
      each->ulValueLen -= std::min<CK_ULONG>(each->ulValueLen, fault.value);
    }
    if (fault.action == Fault::Action::kExtractable && each->type == CKA_EXTRACTABLE) {
      *static_cast<CK_BBOOL*>(each->pValue) = 1;
    }
  }
}

// C_GenerateKeyPair.
void Spoil(const Fault& fault, CK_SESSION_HANDLE session, CK_MECHANISM* /*mechanism*/,
           CK_ATTRIBUTE* /*pub*/, CK_ULONG /*pub_count*/, CK_ATTRIBUTE* /*priv*/,
           CK_ULONG /*priv_count*/, CK_OBJECT_HANDLE* /*pub_handle*/,
           CK_OBJECT_HANDLE* priv_handle) {
  if (fault.action != Fault::Action::kHalf) return;
  real->C_DestroyObject(session, *priv_handle);
  Die();
}

// A login as security officer, which only initialising makes, is counted apart.
template <typename... Arguments>
std::string CountedName(const char* name, Arguments... /*arguments*/) {
  return name;
}
std::string CountedName(const char* name, CK_SESSION_HANDLE /*session*/, CK_USER_TYPE user,
                        unsigned char* /*pin*/, CK_ULONG /*size*/) {
  return user == CKU_SO ? std::string(name) + "_SO" : name;
}

std::vector<Fault> FaultsOf(const std::string& function) {
  const std::scoped_lock lock(script_mutex);
  return script->For(function, CountCall(function));
}

// Hook stands in the function list for the member that it is made of.
template <auto kMember, typename = decltype(kMember)>
struct Hook;

template <auto kMember, typename... Arguments>
struct Hook<kMember, CK_RV (*CK_FUNCTION_LIST::*)(Arguments...)> {
  static inline const char* name = "";

  static CK_RV Call(Arguments... arguments) {
    const std::string function = CountedName(name, arguments...);
    const auto faults = FaultsOf(function);
    for (const Fault& fault : faults) {
      if (const auto rv = Before(function, fault)) return *rv;
    }
    const CK_RV rv = (real->*kMember)(arguments...);
    if (rv != CKR_OK) return rv;
    if (function == "C_OpenSession") ++open_sessions;
    if (function == "C_CloseSession") --open_sessions;
    for (const Fault& fault : faults) {
      if (fault.action == Fault::Action::kHangAfter) Hang(function);
      Spoil(fault, arguments...);
    }
    return CKR_OK;
  }

  static void Install(CK_FUNCTION_LIST& list, const char* member) {
    name = member;
    list.*kMember = Call;
  }
};

// A name and a member of the same name: what only the preprocessor can say.
#define HOOK(function) Hook<&CK_FUNCTION_LIST::function>::Install(list, #function)

void InstallHooks(CK_FUNCTION_LIST& list) {
  HOOK(C_Initialize);
  HOOK(C_Finalize);
  HOOK(C_GetInfo);
  HOOK(C_GetSlotList);
  HOOK(C_GetSlotInfo);
  HOOK(C_GetTokenInfo);
  HOOK(C_GetMechanismList);
  HOOK(C_GetMechanismInfo);
  HOOK(C_InitToken);
  HOOK(C_InitPIN);
  HOOK(C_SetPIN);
  HOOK(C_OpenSession);
  HOOK(C_CloseSession);
  HOOK(C_CloseAllSessions);
  HOOK(C_GetSessionInfo);
  HOOK(C_Login);
  HOOK(C_Logout);
  HOOK(C_CreateObject);
  HOOK(C_CopyObject);
  HOOK(C_DestroyObject);
  HOOK(C_GetObjectSize);
  HOOK(C_GetAttributeValue);
  HOOK(C_SetAttributeValue);
  HOOK(C_FindObjectsInit);
  HOOK(C_FindObjects);
  HOOK(C_FindObjectsFinal);
  HOOK(C_SignInit);
  HOOK(C_Sign);
  HOOK(C_SignUpdate);
  HOOK(C_SignFinal);
  HOOK(C_VerifyInit);
  HOOK(C_Verify);
  HOOK(C_GenerateKey);
  HOOK(C_GenerateKeyPair);
  HOOK(C_WrapKey);
  HOOK(C_UnwrapKey);
  HOOK(C_DeriveKey);
  HOOK(C_SeedRandom);
  HOOK(C_GenerateRandom);
}

#undef HOOK

}  // namespace
}  // namespace sealward::fault_module

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  namespace fm = sealward::fault_module;
  void* library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get =
      reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(dlsym(library, "C_GetFunctionList"));
  if (get(&fm::real) != CKR_OK) return CKR_GENERAL_ERROR;
  static auto* const hooked = new CK_FUNCTION_LIST(*fm::real);
  fm::script = new fm::Script;
  fm::InstallHooks(*hooked);
  *list = hooked;
  return CKR_OK;
}
