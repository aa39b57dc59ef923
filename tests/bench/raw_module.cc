#include "tests/bench/raw_module.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sealward::bench {
namespace {

constexpr size_t kMaxPinBytes = 256;
constexpr CK_ULONG kMaxSlots = 64;
constexpr CK_ULONG kMaxFound = 64;

absl::Status Check(const char* function, CK_RV rv) {
  if (rv == CKR_OK) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(function, " answered 0x", absl::Hex(rv)));
}

// Pin reads a PIN straight into memory that is wiped at the end.
class Pin {
 public:
  explicit Pin(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t got = read(fd, bytes_.data(), bytes_.size());
    close(fd);
    size_ = got > 0 ? static_cast<size_t>(got) : 0;
    while (size_ > 0 && bytes_[size_ - 1] <= ' ') --size_;
  }
  ~Pin() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

  unsigned char* data() { return bytes_.data(); }
  CK_ULONG size() const { return size_; }

 private:
  std::array<unsigned char, kMaxPinBytes> bytes_{};
  size_t size_ = 0;
};

// FileLock holds the partition's lock while it lives.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ >= 0) held_ = flock(fd_, LOCK_EX) == 0;
  }
  ~FileLock() {
    if (fd_ >= 0) close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return held_; }

 private:
  int fd_;
  bool held_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RawModule>> RawModule::Open(const PartitionConfig& config) {
  std::unique_ptr<RawModule> module(new RawModule);
  if (absl::Status status = module->Load(config.module); !status.ok()) return status;
  if (absl::Status status = module->Login(config); !status.ok()) return status;
  return module;
}

absl::StatusOr<std::unique_ptr<RawModule>> RawModule::OpenAnother() {
  std::unique_ptr<RawModule> another(new RawModule);
  another->functions_ = functions_;
  another->is_another_ = true;
  another->slot_ = slot_;
  if (absl::Status status = another->OpenSession(); !status.ok()) return status;
  return another;
}

RawModule::~RawModule() {
  if (functions_ != nullptr && !is_another_) functions_->C_Finalize(nullptr);
}

absl::Status RawModule::Load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return absl::NotFoundError(absl::StrCat("dlopen: ", dlerror()));
  const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  if (get_list == nullptr) return absl::NotFoundError(absl::StrCat(path, " is no PKCS#11 module"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (absl::Status status = Check("C_GetFunctionList", get_list(&functions)); !status.ok()) {
    return status;
  }
  functions_ = functions;
  return absl::OkStatus();
}

absl::Status RawModule::Login(const PartitionConfig& config) {
  FileLock lock(config.lock_file);
  if (!lock.held()) {
    return absl::UnavailableError(absl::StrCat("cannot lock ", config.lock_file));
  }
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  absl::Status status = Check("C_Initialize", functions_->C_Initialize(&arguments));
  if (!status.ok()) return status;
  absl::StatusOr<CK_SLOT_ID> slot = FindSlot(config.label);
  if (!slot.ok()) return slot.status();
  slot_ = *slot;
  if (status = OpenSession(); !status.ok()) return status;
  Pin pin(config.pin_file);
  return Check("C_Login", functions_->C_Login(session_, CKU_USER, pin.data(), pin.size()));
}

absl::Status RawModule::OpenSession() {
  return Check("C_OpenSession",
               functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                         nullptr, &session_));
}

absl::StatusOr<CK_SLOT_ID> RawModule::FindSlot(absl::string_view label) {
  std::array<CK_SLOT_ID, kMaxSlots> slots;
  CK_ULONG count = slots.size();
  absl::Status status =
      Check("C_GetSlotList", functions_->C_GetSlotList(CK_TRUE, slots.data(), &count));
  if (!status.ok()) return status;
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    absl::string_view padded(reinterpret_cast<const char*>(info.label), sizeof(info.label));
    if (padded.substr(0, padded.find_last_not_of(' ') + 1) == label) return slots[i];
  }
  return absl::NotFoundError(absl::StrCat("no partition is labelled ", label));
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> RawModule::FindPrivateKeys(
    CK_ATTRIBUTE_TYPE attribute, std::string value) {
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  std::array<CK_ATTRIBUTE, 2> wanted = {
      CK_ATTRIBUTE{CKA_CLASS, &object_class, sizeof(object_class)},
      CK_ATTRIBUTE{attribute, value.data(), value.size()}};
  absl::Status status = Check(
      "C_FindObjectsInit", functions_->C_FindObjectsInit(session_, wanted.data(), wanted.size()));
  if (!status.ok()) return status;
  std::vector<CK_OBJECT_HANDLE> found(kMaxFound);
  CK_ULONG count = 0;
  status = Check("C_FindObjects",
                 functions_->C_FindObjects(session_, found.data(), found.size(), &count));
  functions_->C_FindObjectsFinal(session_);
  if (!status.ok()) return status;
  found.resize(count);
  return found;
}

absl::StatusOr<CK_OBJECT_HANDLE> RawModule::CopyToSession(CK_OBJECT_HANDLE object) {
  CK_BBOOL on_partition = CK_FALSE;
  CK_ATTRIBUTE change{CKA_TOKEN, &on_partition, sizeof(on_partition)};
  CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
  absl::Status status =
      Check("C_CopyObject", functions_->C_CopyObject(session_, object, &change, 1, &copy));
  if (!status.ok()) return status;
  return copy;
}

}  // namespace sealward::bench
