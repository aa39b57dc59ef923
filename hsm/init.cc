#include "hsm/init.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "hsm/config.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"
#include "hsm/hardening.h"
#include "hsm/log.h"
#include "hsm/open_partition.h"
#include "hsm/partition.h"
#include "hsm/partition_lock.h"
#include "hsm/pin.h"
#include "hsm/pin_latch.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/token_guard.h"

namespace sealward::hsm {
namespace {

constexpr char kTokensDirectory[] = "tokens";
// Where the profile's module is on this machine.
std::string DefaultModule(const Profile& profile) {
  for (const char* path : profile.module_paths) {
    if (access(path, R_OK) == 0) return path;
  }
  return profile.module_paths.front();
}

// The entries of a directory but "." and "..".
absl::StatusOr<std::vector<std::string>> Entries(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (stream == nullptr) return ErrnoStatus("open", directory);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

absl::Status GiveToUser(const std::string& directory, const std::optional<uid_t>& wanted) {
  uid_t uid = wanted.value_or(kDefaultUid);
  gid_t gid = uid;
  const passwd* user = wanted ? getpwuid(*wanted) : getpwnam(kDefaultUser);
  if (user != nullptr) {
    uid = user->pw_uid;
    gid = user->pw_gid;
  }
  if (uid == 0) return ExitError(kExitUsage, "UID_INVALID", "--uid 0: a partition is not root's");
  if (chown(directory.c_str(), uid, gid) != 0) return ErrnoStatus("chown", directory);
  return absl::OkStatus();
}

// An empty directory with mode 0700 that belongs to the final user.
absl::Status MakeDirectory(const InitOptions& options) {
  const std::string& directory = options.directory;
  if (mkdir(directory.c_str(), 0700) != 0) {
    if (errno != EEXIST) return ErrnoStatus("create", directory);
    auto entries = Entries(directory);
    if (!entries.ok()) return entries.status();
    if (!entries->empty()) {
      return ExitError(kExitUsage, "PARTITION_EXISTS",
                       absl::StrCat(directory, " is not empty (it holds ", entries->front(),
                                    "); a partition is never overwritten"));
    }
    if (chmod(directory.c_str(), 0700) != 0) return ErrnoStatus("chmod", directory);
  }
  return geteuid() == 0 ? GiveToUser(directory, options.uid) : absl::OkStatus();
}

// PKCS#11 takes a PIN as a pointer to non-const and does not write to it.
unsigned char* Bytes(const SecretPage& page) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  return reinterpret_cast<unsigned char*>(const_cast<char*>(page.view().data()));
}

// C_InitToken with a label. The slot that has the token then: SoftHSM2 moves it.
absl::StatusOr<CK_SLOT_ID> FormatToken(const pkcs11::Module& module, CK_SLOT_ID slot,
                                       const std::string& label, const SecretPage& officer_pin) {
  std::array<unsigned char, kMaxPartitionLabelBytes> padded{};
  padded.fill(' ');
  std::memcpy(padded.data(), label.data(), label.size());
  const CK_RV rv =
      module.functions().C_InitToken(slot, Bytes(officer_pin), officer_pin.size(), padded.data());
  if (rv != CKR_OK) return pkcs11::RvStatus(rv, "C_InitToken");
  auto made = module.FindSlot(label);
  if (!made.ok()) return made.status();
  return made->id;
}

// C_InitToken and C_InitPIN with a security officer's PIN that nobody keeps:
// a partition that must be re-initialised is made anew.
absl::Status InitializeToken(const pkcs11::Module& module, const Config& config,
                             const SecretPage& pin) {
  auto officer_pin = SecretPage::Create();
  if (!officer_pin.ok()) return officer_pin.status();
  auto slot = module.FindUninitializedSlot();
  if (!slot.ok()) return slot.status();
  if (!config.profile->token_preformatted) {
    if (absl::Status s = (*officer_pin)->FillWithRandomPin(); !s.ok()) return s;
    slot = FormatToken(module, *slot, config.label, **officer_pin);
    if (!slot.ok()) return slot.status();
  }
  const CK_FUNCTION_LIST& p11 = module.functions();
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  CK_RV rv =
      p11.C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
  if (rv != CKR_OK) return pkcs11::RvStatus(rv, "C_OpenSession");
  rv = p11.C_Login(session, CKU_SO, Bytes(**officer_pin), (*officer_pin)->size());
  if (rv == CKR_OK) rv = p11.C_InitPIN(session, Bytes(pin), pin.size());
  p11.C_CloseSession(session);
  return pkcs11::RvStatus(rv, "C_InitPIN");
}

absl::Status GuardTokenObject(Config& config) {
  auto entries = Entries(kTokensDirectory);
  if (!entries.ok()) return entries.status();
  if (entries->size() != 1) return absl::InternalError("SoftHSM2 made no single token directory");
  config.token_directory = absl::StrCat(kTokensDirectory, "/", entries->front());
  return TokenGuard(config.token_directory, kTokenObjectCopyFile).UpdateCopy();
}

absl::Status MakeToken(Config& config) {
  auto pin = SecretPage::Create();
  if (!pin.ok()) return pin.status();
  if (absl::Status s = (*pin)->FillWithRandomPin(); !s.ok()) return s;
  if (absl::Status s = WritePinFile(kPinFile, **pin); !s.ok()) return s;
  if (absl::Status s = PrepareForModule(*config.profile); !s.ok()) return s;
  auto module = pkcs11::Module::Load(config.module, config.profile->traits);
  if (!module.ok()) return module.status();
  if (absl::Status s = (*module)->Initialize(config.label); !s.ok()) return s;
  if (absl::Status s = InitializeToken(**module, config, **pin); !s.ok()) return s;
  return config.profile->guards_token_object ? GuardTokenObject(config) : absl::OkStatus();
}

// What hsm.toml will say, from the options.
absl::StatusOr<Config> ConfigFor(const InitOptions& options) {
  Config config;
  config.profile = FindProfile(options.profile);
  if (config.profile == nullptr || config.profile->module_paths.empty()) {
    return ExitError(kExitUsage, "PROFILE_INVALID",
                     absl::StrCat("--profile ", options.profile,
                                  ": init makes partitions of software tokens alone; those of an "
                                  "HSM are made with its vendor's tools"));
  }
  config.module = options.module.empty() ? DefaultModule(*config.profile) : options.module;
  config.label = options.label;
  if (options.least_destroy_window_s) {
    config.least_destroy_window = absl::Seconds(*options.least_destroy_window_s);
  }
  if (config.module.front() != '/' || access(config.module.c_str(), R_OK) != 0) {
    return ExitError(kExitPartitionUnusable, "MODULE_UNUSABLE",
                     absl::StrCat("--module ", config.module,
                                  " must be the absolute path of a PKCS#11 module "
                                  "(Debian: apt-get install softhsm2, or libnss3)"));
  }
  if (config.least_destroy_window < absl::ZeroDuration() ||
      config.least_destroy_window > kMaxDestroyWindow) {
    return ExitError(kExitUsage, "DESTROY_WINDOW_INVALID",
                     absl::StrCat("--least-destroy-window-s must be 0 to ",
                                  absl::ToInt64Seconds(kMaxDestroyWindow)));
  }
  if (config.label.empty() || config.label.size() > kMaxPartitionLabelBytes) {
    return ExitError(kExitUsage, "LABEL_INVALID",
                     absl::StrCat("--label must have 1 to ", kMaxPartitionLabelBytes, " bytes"));
  }
  return config;
}

absl::Status Run(const InitOptions& options) {
  auto checked = ConfigFor(options);
  if (!checked.ok()) return checked.status();
  Config config = *std::move(checked);
  const Profile& profile = *config.profile;
  if (absl::Status s = MakeDirectory(options); !s.ok()) return s;
  if (absl::Status s = EnterPartition(options.directory); !s.ok()) return s;
  if (absl::Status s = Harden(profile); !s.ok()) return s;
  if (mkdir(kTokensDirectory, 0700) != 0) return ErrnoStatus("create", kTokensDirectory);
  if (*profile.config_file != '\0') {
    if (absl::Status s = ReplaceFile(profile.config_file, kStagingFile, profile.config_text);
        !s.ok()) {
      return s;
    }
  }
  {
    auto lock = PartitionLock::Acquire(kLockFile);
    if (!lock.ok()) return lock.status();
    if (absl::Status s = MakeToken(config); !s.ok()) return s;
  }
  // The first login, so that the PIN file counts as accepted, and the canary.
  auto open = LogIn(config, /*peer_fd=*/-1);
  if (!open.ok()) return PinLatch::IfRefused(open.status());
  const SystemClock clock;
  auto partition = Partition::Create(*std::move(open), clock, /*peer_fd=*/-1);
  if (!partition.ok()) return PinLatch::IfRefused(partition.status());
  if (absl::Status s = SyncFileSystem("."); !s.ok()) return s;
  return ReplaceFile(kConfigFile, kStagingFile, FormatConfig(config));
}

int Report(const absl::Status& status) {
  if (!status.ok()) LogError(std::string(status.message()));
  return ExitCodeOf(status);
}

}  // namespace

int Init(const InitOptions& options) {
  const absl::Status status = Run(options);
  if (status.ok()) LogInfo(absl::StrCat("partition \"", options.label, "\" was initialised"));
  return Report(status);
}

int ClearPinLatch(const std::string& directory) {
  if (absl::Status s = EnterPartition(directory); !s.ok()) return Report(s);
  if (auto config = LoadConfig(); !config.ok()) return Report(config.status());
  auto lock = PartitionLock::Acquire(kLockFile);
  if (!lock.ok()) return Report(lock.status());
  const auto latched = PinLatch::Clear();
  if (!latched.ok()) return Report(latched.status());
  LogInfo(*latched ? "the PIN latch is cleared" : "the PIN latch was not set");
  return kExitOk;
}

}  // namespace sealward::hsm
