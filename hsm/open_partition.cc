#include "hsm/open_partition.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "hsm/exit_codes.h"
#include "hsm/log.h"
#include "hsm/partition_lock.h"
#include "hsm/pin.h"
#include "hsm/pin_latch.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/token_guard.h"

namespace sealward::hsm {
namespace {

absl::Status Unusable(const absl::Status& status) { return WithUnusableExitCode(status); }

absl::Status Restore(const TokenGuard& guard, OpenPartition& partition) {
  auto alarm = guard.RestoreIfDamaged();
  if (!alarm.ok()) return alarm.status();
  if (*alarm) {
    LogError(**alarm);
    partition.alarms.push_back(**std::move(alarm));
  }
  return absl::OkStatus();
}

// Some modules cannot lock: then there is one thread, and they need not.
absl::Status Initialize(OpenPartition& partition) {
  pkcs11::Module& module = *partition.module;
  const Config& config = partition.config;
  if (config.profile->signing_sessions > 1) {
    const absl::Status status = module.Initialize(config.label, pkcs11::Threads::kSeveral);
    if (status.ok()) partition.threads = pkcs11::Threads::kSeveral;
    if (pkcs11::RvOf(status) != CKR_CANT_LOCK) return status;
    LogWarning("the module cannot lock (CKR_CANT_LOCK): this process signs with one session");
  }
  return module.Initialize(config.label, pkcs11::Threads::kOne);
}

// As many as the profile says; fewer where the HSM has no more.
absl::Status OpenSigningSessions(OpenPartition& partition) {
  const size_t wanted = partition.threads == pkcs11::Threads::kSeveral
                            ? partition.config.profile->signing_sessions
                            : 1;
  while (partition.signing.size() < wanted) {
    auto session = pkcs11::Session::Open(*partition.module, partition.slot.id);
    if (session.ok()) {
      partition.signing.push_back(*std::move(session));
      continue;
    }
    const bool at_limit = pkcs11::RvOf(session.status()) == CKR_SESSION_COUNT;
    if (!at_limit || partition.signing.empty()) return session.status();
    LogWarning(
        absl::StrCat("the HSM has no more sessions (CKR_SESSION_COUNT): this process signs "
                     "with ",
                     partition.signing.size(), " of ", wanted));
    break;
  }
  return absl::OkStatus();
}

absl::Status LoadAndFindSlot(OpenPartition& partition) {
  if (absl::Status s = PrepareForModule(*partition.config.profile); !s.ok()) return s;
  auto module = pkcs11::Module::Load(partition.config.module, partition.config.profile->traits);
  if (!module.ok()) return module.status();
  partition.module = *std::move(module);
  if (absl::Status s = Initialize(partition); !s.ok()) return s;
  auto slot = partition.module->FindSlot(partition.config.label);
  if (!slot.ok()) return slot.status();
  partition.slot = *std::move(slot);
  if (!partition.slot.pin_initialized) {
    return ExitError(kExitPartitionUnusable, "PARTITION_NOT_INITIALIZED",
                     absl::StrCat("partition \"", partition.slot.label, "\" has no user PIN yet"));
  }
  auto session = pkcs11::Session::Open(*partition.module, partition.slot.id);
  if (!session.ok()) return session.status();
  partition.objects = *std::move(session);
  return absl::OkStatus();
}

absl::Status PresentPin(const PinFile& pin, OpenPartition& partition) {
  const PinLatch latch(pin.identity);
  if (absl::Status s = latch.BeforePresenting(); !s.ok()) return s;
  const absl::Status outcome = partition.objects->Login(pin.pin->view());
  pin.pin->Wipe();
  return latch.AfterPresenting(outcome);
}

// Everything that happens under the lock.
absl::Status Open(OpenPartition& partition) {
  const Config& config = partition.config;
  if (absl::Status s = PinLatch::Check(); !s.ok()) return s;
  std::optional<TokenGuard> guard;
  if (config.profile->guards_token_object) {
    guard.emplace(config.token_directory, kTokenObjectCopyFile);
    if (absl::Status s = Restore(*guard, partition); !s.ok()) return s;
  }
  auto pin = ReadPinFile(config.pin_file);
  if (!pin.ok()) return pin.status();
  if (absl::Status s = LoadAndFindSlot(partition); !s.ok()) return s;
  if (absl::Status s = PresentPin(*pin, partition); !s.ok()) return s;
  return guard ? guard->UpdateCopy() : absl::OkStatus();
}

}  // namespace

bool OpenPartition::Offers(::sealward::v1::Algorithm algorithm) const {
  return std::ranges::any_of(mechanisms, [&](const Mechanism* mechanism) {
    return mechanism->algorithm->algorithm == algorithm;
  });
}

absl::Status PrepareForModule(const Profile& profile) {
  if (*profile.variable != '\0') {
    setenv(profile.variable, profile.variable_value, /*overwrite=*/1);
  }
  if (!profile.absolute_paths) return absl::OkStatus();
  const std::unique_ptr<char, decltype(&std::free)> path(getcwd(nullptr, 0), std::free);
  if (path != nullptr && access(path.get(), X_OK) == 0) return absl::OkStatus();
  return ExitError(
      kExitBadConfiguration, "PARTITION_UNREACHABLE",
      absl::StrCat("uid ", geteuid(), " cannot pass through the folders above ",
                   path == nullptr ? "the partition directory" : path.get(), ", which profile \"",
                   profile.name, "\" needs; chmod a+x them, or put it elsewhere"));
}

absl::StatusOr<std::unique_ptr<OpenPartition>> LogIn(const Config& config, int peer_fd) {
  auto partition = std::make_unique<OpenPartition>();
  partition->config = config;
  {
    auto lock = PartitionLock::Acquire(kLockFile, peer_fd);
    if (!lock.ok()) return Unusable(lock.status());
    if (absl::Status s = Open(*partition); !s.ok()) return Unusable(s);
    auto mechanisms = DiscoverMechanisms(*partition->module, partition->slot.id);
    if (!mechanisms.ok()) return Unusable(mechanisms.status());
    partition->mechanisms = *std::move(mechanisms);
  }
  if (absl::Status s = OpenSigningSessions(*partition); !s.ok()) return Unusable(s);
  return partition;
}

}  // namespace sealward::hsm
