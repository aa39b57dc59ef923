// A PKCS#11 module: the shared library and its C_Initialize.
#ifndef SEALWARD_HSM_PKCS11_MODULE_H_
#define SEALWARD_HSM_PKCS11_MODULE_H_

#include <memory>
#include <optional>
#include <string>

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

// Mechanisms of a slot that are looked at.
inline constexpr size_t kMaxMechanisms = 1024;

// Module is a loaded PKCS#11 library; while it is initialised, no other Module
// of the process is. Not thread-safe: the library is told that one thread uses
// it. The library itself stays mapped until the process ends, because modules
// do not survive being unloaded.
class Module {
 public:
  // Opens the library at `path` and asks for its functions. NOT_FOUND
  // (MODULE_UNUSABLE) naming the path where that fails.
  static absl::StatusOr<std::unique_ptr<Module>> Load(const std::string& path);
  // Finalizes, if initialised. Sessions must have ended.
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  absl::Status Initialize();
  void Finalize();

  // The one slot whose token is called `label`. NOT_FOUND
  // (PARTITION_NOT_FOUND) listing the labels there are; FAILED_PRECONDITION
  // where two tokens have it.
  absl::StatusOr<Slot> FindSlot(absl::string_view label) const;

  // A slot whose token is not initialised, for C_InitToken.
  absl::StatusOr<CK_SLOT_ID> FindUninitializedSlot() const;

  // What the slot says about a mechanism; nullopt if it has none.
  std::optional<CK_MECHANISM_INFO> Mechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE type) const;

  const CK_FUNCTION_LIST& functions() const { return *functions_; }

 private:
  explicit Module(CK_FUNCTION_LIST* functions) : functions_(functions) {}

  CK_FUNCTION_LIST* functions_;
  bool initialized_ = false;
};

}  // namespace sealward::pkcs11

#endif  // SEALWARD_HSM_PKCS11_MODULE_H_
