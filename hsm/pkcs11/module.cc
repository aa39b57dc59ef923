#include "hsm/pkcs11/module.h"

#include <dlfcn.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/errors.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::pkcs11 {
namespace {

// CK_C_INITIALIZE_ARGS as NSS has it.
struct NssInitializeArguments {
  CK_CREATEMUTEX create_mutex = nullptr;
  CK_DESTROYMUTEX destroy_mutex = nullptr;
  CK_LOCKMUTEX lock_mutex = nullptr;
  CK_UNLOCKMUTEX unlock_mutex = nullptr;
  CK_FLAGS flags = CKF_OS_LOCKING_OK;
  const char* library_parameters = nullptr;
  void* reserved = nullptr;
};

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
  if (count > kMaxSlots) {
    return absl::InternalError(absl::StrCat("C_GetSlotList says that it has ", count,
                                            " slots where ", kMaxSlots, " were asked for"));
  }
  slots.resize(count);
  return slots;
}

}  // namespace

std::string LibraryParameters(const Traits& traits, absl::string_view label) {
  const std::string quoted = absl::StrReplaceAll(label, {{"\\", "\\\\"}, {"'", "\\'"}});
  return absl::StrReplaceAll(traits.library_parameters, {{"%LABEL%", quoted}});
}

absl::StatusOr<std::unique_ptr<Module>> Module::Load(const std::string& path,
                                                     const Traits& traits) {
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
  return std::unique_ptr<Module>(new Module(functions, traits));
}

Module::~Module() { Finalize(); }

absl::Status Module::Initialize(absl::string_view label, Threads threads) {
  // No arguments: one thread, so the module needs no locks of its own.
  void* arguments = nullptr;
  CK_C_INITIALIZE_ARGS locking{};
  locking.flags = CKF_OS_LOCKING_OK;
  if (threads == Threads::kSeveral) arguments = &locking;
  NssInitializeArguments nss;
  const std::string parameters = LibraryParameters(traits_, label);
  if (!parameters.empty()) {
    nss.library_parameters = parameters.c_str();
    arguments = &nss;
  }
  absl::Status status = RvStatus(functions_->C_Initialize(arguments), "C_Initialize");
  initialized_ = status.ok();
  return status;
}

void Module::Finalize() {
  if (!initialized_) return;
  initialized_ = false;
  functions_->C_Finalize(nullptr);
}

absl::StatusOr<std::string> Module::Describe() const {
  CK_INFO info{};
  const CK_RV rv = functions_->C_GetInfo(&info);
  if (rv != CKR_OK) return RvStatus(rv, "C_GetInfo");
  const auto version = [](const CK_VERSION& v) {
    return absl::StrCat(int{v.major}, ".", int{v.minor});
  };
  return absl::StrCat(Unpadded(info.manufacturerID), " ", Unpadded(info.libraryDescription), " ",
                      version(info.libraryVersion), ", PKCS#11 ", version(info.cryptokiVersion));
}

absl::StatusOr<std::vector<Slot>> Module::Slots() const {
  auto ids = SlotsWithToken(*functions_);
  if (!ids.ok()) return ids.status();
  std::vector<Slot> slots;
  for (const CK_SLOT_ID id : *ids) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(id, &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    slots.push_back({id, Unpadded(info.label),
                     absl::StrCat(Unpadded(info.manufacturerID), " ", Unpadded(info.model)),
                     (info.flags & CKF_USER_PIN_INITIALIZED) != 0});
  }
  return slots;
}

absl::StatusOr<Slot> Module::FindSlot(absl::string_view label) const {
  auto slots = Slots();
  if (!slots.ok()) return slots.status();
  std::optional<Slot> found;
  std::vector<std::string> others;
  for (Slot& slot : *slots) {
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

absl::StatusOr<std::vector<CK_MECHANISM_TYPE>> Module::Mechanisms(CK_SLOT_ID slot) const {
  std::vector<CK_MECHANISM_TYPE> listed(kMaxMechanisms);
  CK_ULONG count = listed.size();
  const CK_RV rv = functions_->C_GetMechanismList(slot, listed.data(), &count);
  if (rv != CKR_OK) return RvStatus(rv, "C_GetMechanismList");
  if (count > listed.size()) {
    return absl::InternalError(absl::StrCat("C_GetMechanismList says that it has ", count,
                                            " mechanisms where ", listed.size(),
                                            " were asked for"));
  }
  listed.resize(count);
  return listed;
}

absl::StatusOr<CK_MECHANISM_INFO> Module::MechanismInfo(CK_SLOT_ID slot,
                                                        CK_MECHANISM_TYPE type) const {
  CK_MECHANISM_INFO info{};
  const CK_RV rv = functions_->C_GetMechanismInfo(slot, type, &info);
  if (rv != CKR_OK) return RvStatus(rv, "C_GetMechanismInfo");
  return info;
}

}  // namespace sealward::pkcs11
