// A PKCS#11 module: the shared library and its C_Initialize.
#ifndef SEALWARD_HSM_PKCS11_MODULE_H_
#define SEALWARD_HSM_PKCS11_MODULE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hsm/pkcs11/cryptoki.h"

namespace sealward::pkcs11 {

// Slots that are looked at; more than this is an error of the module.
inline constexpr CK_ULONG kMaxSlots = 256;

// Slot is a slot with an initialised token in it.
struct Slot {
  CK_SLOT_ID id = 0;
  std::string label;        // CK_TOKEN_INFO.label without padding
  std::string token_model;  // manufacturer and model
  bool pin_initialized = false;
};

// Traits is what a module does in a way of its own, as data. The default is a module
// that keeps to PKCS#11 v2.40.
struct Traits {
  // NSS's softokn wants a string in C_Initialize, in a member of its own before
  // pReserved (NSS, pkcs11n.h, LibraryParameters). "%LABEL%" in it stands for the
  // token's label. Empty: C_Initialize gets no arguments.
  const char* library_parameters = "";

  // CKA_LOCAL tells a key that was generated from one that was imported. Softokn
  // 3.87 answers false for every key; an imported one can be told there by
  // CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE, which are false, too.
  bool keeps_local = true;
};

// `traits.library_parameters` for a token with this label, which is quoted.
std::string LibraryParameters(const Traits& traits, absl::string_view label);

// Mechanisms of a slot that are looked at.
inline constexpr size_t kMaxMechanisms = 1024;

// Whether the module has to lock anything.
enum class Threads { kOne, kSeveral };

// Module is a loaded PKCS#11 library; while it is initialised, no other Module
// of the process is. Not thread-safe. The library itself stays mapped until the process ends,
// because modules do not survive being unloaded.
class Module {
 public:
  // Opens the library at `path` and asks for its functions. NOT_FOUND
  // (MODULE_UNUSABLE) naming the path where that fails.
  static absl::StatusOr<std::unique_ptr<Module>> Load(const std::string& path,
                                                      const Traits& traits = {});
  // Finalizes, if initialised. Sessions must have ended.
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // `label` is the token's, for modules that are told it here (Traits). Several threads
  // may use the module, each with a session of its own, only if it is told so here.
  absl::Status Initialize(absl::string_view label = "", Threads threads = Threads::kOne);
  void Finalize();

  // "SoftHSM Implementation of PKCS11 2.6, PKCS#11 2.40": what the library says it is.
  absl::StatusOr<std::string> Describe() const;

  // The slots whose tokens are initialised.
  absl::StatusOr<std::vector<Slot>> Slots() const;

  // The one slot whose token is called `label`. NOT_FOUND
  // (PARTITION_NOT_FOUND) listing the labels there are; FAILED_PRECONDITION
  // where two tokens have it.
  absl::StatusOr<Slot> FindSlot(absl::string_view label) const;

  // A slot whose token is not initialised, for C_InitToken.
  absl::StatusOr<CK_SLOT_ID> FindUninitializedSlot() const;

  // The slot's mechanisms, and what it says about one. A module may describe some that its
  // configuration forbids (SoftHSM2 with slots.mechanisms does): what is not in the list is
  // not offered.
  absl::StatusOr<std::vector<CK_MECHANISM_TYPE>> Mechanisms(CK_SLOT_ID slot) const;
  absl::StatusOr<CK_MECHANISM_INFO> MechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type) const;

  const CK_FUNCTION_LIST& functions() const { return *functions_; }
  const Traits& traits() const { return traits_; }

 private:
  Module(CK_FUNCTION_LIST* functions, const Traits& traits)
      : functions_(functions), traits_(traits) {}

  CK_FUNCTION_LIST* functions_;
  Traits traits_;
  bool initialized_ = false;
};

}  // namespace sealward::pkcs11

#endif  // SEALWARD_HSM_PKCS11_MODULE_H_
