// The kind `slow`: an HSM across a network. Each call that asks the HSM something takes
// 2 ms longer, in which other threads go on; what a client library answers by itself,
// such as C_SignInit and C_FindObjects, takes none.
#include <poll.h>

#include <cstdlib>

#include "tests/fakes/pkcs11_shim/pkcs11_shim.h"

namespace sealward::pkcs11_shim {
namespace {

// For measurements, where 128 sessions of 2 ms would want more CPU than there is.
constexpr char kRoundTripVariable[] = "SEALWARD_TEST_ROUND_TRIP_MS";
constexpr int kRoundTripMs = 2;

int RoundTripMs() {
  const char* other = std::getenv(kRoundTripVariable);
  return other != nullptr ? std::atoi(other) : kRoundTripMs;
}

// Waiting is what is simulated here: no test waits for anything by it.
void RoundTrip() {
  static const int ms = RoundTripMs();
  poll(nullptr, 0, ms);
}

template <auto kMember, typename = decltype(kMember)>
struct Remote;

template <auto kMember, typename... Arguments>
struct Remote<kMember, CK_RV (*CK_FUNCTION_LIST::*)(Arguments...)> {
  static CK_RV Call(Arguments... arguments) {
    RoundTrip();
    return (real->*kMember)(arguments...);
  }
};

template <auto... kMembers>
void MakeRemote(CK_FUNCTION_LIST& list) {
  ((list.*kMembers = Remote<kMembers>::Call), ...);
}

}  // namespace

void Shape(CK_FUNCTION_LIST& list) {
  using List = CK_FUNCTION_LIST;
  MakeRemote<&List::C_OpenSession, &List::C_CloseSession, &List::C_Login, &List::C_Logout,
             &List::C_CreateObject, &List::C_CopyObject, &List::C_DestroyObject,
             &List::C_GetAttributeValue, &List::C_SetAttributeValue, &List::C_FindObjectsInit,
             &List::C_Sign, &List::C_Verify, &List::C_GenerateKeyPair, &List::C_GenerateRandom>(
      list);
}

}  // namespace sealward::pkcs11_shim
