#include "hsm/open_partition.h"

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

absl::Status LoadAndFindSlot(OpenPartition& partition) {
  SetModuleEnvironment(*partition.config.profile);
  auto module = pkcs11::Module::Load(partition.config.module);
  if (!module.ok()) return module.status();
  partition.module = *std::move(module);
  if (absl::Status s = partition.module->Initialize(); !s.ok()) return s;
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

void SetModuleEnvironment(const Profile& profile) {
  if (*profile.config_variable != '\0') {
    setenv(profile.config_variable, profile.config_file, /*overwrite=*/1);
  }
}

absl::StatusOr<std::unique_ptr<OpenPartition>> LogIn(const Config& config, int peer_fd) {
  auto partition = std::make_unique<OpenPartition>();
  partition->config = config;
  {
    auto lock = PartitionLock::Acquire(kLockFile, peer_fd);
    if (!lock.ok()) return Unusable(lock.status());
    if (absl::Status s = Open(*partition); !s.ok()) return Unusable(s);
    partition->mechanisms = DiscoverMechanisms(*partition->module, partition->slot.id);
  }
  auto signing = pkcs11::Session::Open(*partition->module, partition->slot.id);
  if (!signing.ok()) return Unusable(signing.status());
  partition->signing = *std::move(signing);
  return partition;
}

}  // namespace sealward::hsm
