#include "hsm/pkcs11/module.h"

#include <dlfcn.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::pkcs11 {
namespace {

// A blank-padded field of a CK_*_INFO.
template <size_t N>
std::string Unpadded(const unsigned char (&field)[N]) {
  const std::string text(field, field + N);
  return std::string(absl::StripTrailingAsciiWhitespace(text.c_str()));
}

absl::StatusOr<std::vector<CK_SLOT_ID>> SlotsWithToken(const CK_FUNCTION_LIST& functions) {
  std::vector<CK_SLOT_ID> slots(kMaxSlots);
  CK_ULONG count = kMaxSlots;
  if (absl::Status s =
          RvStatus(functions.C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList");
      !s.ok()) {
    return s;
  }
  slots.resize(count);
  return slots;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Module>> Module::Load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "MODULE_UNUSABLE",
                     absl::StrCat("PKCS#11 module ", path, " cannot be loaded: ", dlerror(),
                                  "; check `module` in hsm.toml"));
  }
  // A conversion from void* to a function pointer, as POSIX dlsym has it.
  const auto get_list =
      reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get_list == nullptr || get_list(&functions) != CKR_OK || functions == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "MODULE_UNUSABLE",
                     absl::StrCat(path, " is no PKCS#11 module: it has no C_GetFunctionList"));
  }
  return std::unique_ptr<Module>(new Module(functions));
}

Module::~Module() { Finalize(); }

absl::Status Module::Initialize() {
  // No arguments: one thread, so the module needs no locks of its own.
  absl::Status status = RvStatus(functions_->C_Initialize(nullptr), "C_Initialize");
  initialized_ = status.ok();
  return status;
}

void Module::Finalize() {
  if (!initialized_) return;
  initialized_ = false;
  functions_->C_Finalize(nullptr);
}

absl::StatusOr<Slot> Module::FindSlot(absl::string_view label) const {
  auto slots = SlotsWithToken(*functions_);
  if (!slots.ok()) return slots.status();
  std::optional<Slot> found;
  std::vector<std::string> others;
  for (const CK_SLOT_ID id : *slots) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(id, &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    Slot slot{id, Unpadded(info.label),
              absl::StrCat(Unpadded(info.manufacturerID), " ", Unpadded(info.model)),
              (info.flags & CKF_USER_PIN_INITIALIZED) != 0};
    if (slot.label != label) {
      others.push_back(absl::StrCat("\"", slot.label, "\""));
    } else if (found) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "PARTITION_AMBIGUOUS",
                       absl::StrCat("two partitions are labelled \"", label, "\""));
    } else {
      found = std::move(slot);
    }
  }
  if (found) return *std::move(found);
  return MakeError(
      absl::StatusCode::kNotFound, "PARTITION_NOT_FOUND",
      absl::StrCat("the module has no initialised partition labelled \"", label, "\"; it has ",
                   others.empty() ? "none" : absl::StrJoin(others, ", ")));
}

absl::StatusOr<CK_SLOT_ID> Module::FindUninitializedSlot() const {
  auto slots = SlotsWithToken(*functions_);
  if (!slots.ok()) return slots.status();
  for (const CK_SLOT_ID id : *slots) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(id, &info) == CKR_OK &&
        (info.flags & CKF_TOKEN_INITIALIZED) == 0) {
      return id;
    }
  }
  return absl::NotFoundError("the module has no slot that can be initialised");
}

// A module may describe mechanisms that its configuration forbids (SoftHSM2 with
// slots.mechanisms does): what is not in the list is not offered.
std::optional<CK_MECHANISM_INFO> Module::Mechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE type) const {
  std::vector<CK_MECHANISM_TYPE> listed(kMaxMechanisms);
  CK_ULONG count = listed.size();
  if (functions_->C_GetMechanismList(slot, listed.data(), &count) != CKR_OK) return std::nullopt;
  listed.resize(count);
  if (std::ranges::find(listed, type) == listed.end()) return std::nullopt;
  CK_MECHANISM_INFO info{};
  if (functions_->C_GetMechanismInfo(slot, type, &info) != CKR_OK) return std::nullopt;
  return info;
}

}  // namespace sealward::pkcs11
