#include "hsm/check.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hsm/check_probe.h"
#include "hsm/check_report.h"
#include "hsm/config.h"
#include "hsm/exit_codes.h"
#include "hsm/hardening.h"
#include "hsm/log.h"
#include "hsm/open_partition.h"
#include "hsm/partition_lock.h"
#include "hsm/pin_latch.h"

namespace sealward::hsm {
namespace {

constexpr char kDefaultLabel[] = "sealward";
constexpr char kDefaultProfile[] = "generic";

// hsm.toml, where there is one, and the options over it.
// `named` becomes whether somebody said which token is meant.
absl::StatusOr<Config> ConfigFor(const CheckOptions& options, bool& named) {
  Config config;
  config.label = kDefaultLabel;
  config.profile = FindProfile(kDefaultProfile);
  if (!options.directory.empty() && access(kConfigFile, F_OK) == 0) {
    auto loaded = LoadConfig();
    if (!loaded.ok()) return loaded.status();
    config = *std::move(loaded);
    named = true;
  }
  if (!options.module.empty()) config.module = options.module;
  if (!options.label.empty()) {
    config.label = options.label;
    named = true;
  }
  if (!options.profile.empty()) config.profile = FindProfile(options.profile);
  if (config.profile == nullptr) {
    return ExitError(kExitUsage, "PROFILE_INVALID",
                     absl::StrCat("--profile must be one of: ", ProfileNames()));
  }
  if (config.module.empty() || config.module.front() != '/') {
    return ExitError(kExitUsage, "MODULE_INVALID",
                     "--module must be the absolute path of a PKCS#11 module");
  }
  config.pin_file = options.pin_file;
  if (!config.pin_file.empty() && config.profile->guards_token_object &&
      config.token_directory.empty()) {
    return ExitError(kExitUsage, "DIRECTORY_INVALID",
                     absl::StrCat("profile \"", config.profile->name,
                                  "\" is checked with a PIN only in a partition directory that "
                                  "sealward-hsm init made"));
  }
  return config;
}

// What needs no login. `in_partition` if this is a partition directory: SoftHSM2's slot is
// missing while another process of it logs in. No lock is made where there is none.
absl::StatusOr<std::unique_ptr<pkcs11::Module>> Load(const Config& config, bool in_partition) {
  std::optional<PartitionLock> lock;
  if (in_partition && access(kLockFile, F_OK) == 0) {
    auto locked = PartitionLock::Acquire(kLockFile);
    if (!locked.ok()) return locked.status();
    lock.emplace(*std::move(locked));
  }
  if (absl::Status s = PrepareForModule(*config.profile); !s.ok()) return s;
  auto module = pkcs11::Module::Load(config.module, config.profile->traits);
  if (!module.ok()) return module;
  if (absl::Status s = (*module)->Initialize(config.label); !s.ok()) return s;
  return module;
}

// Whether the token is there. One that nobody named is not missing.
Finding TokenFinding(const Config& config, const absl::StatusOr<pkcs11::Slot>& slot, bool named) {
  Finding found{.required = true,
                .what = absl::StrCat("a token \"", config.label, "\" with a PIN"),
                .outcome = Outcome::kYes,
                .detail = "",
                .without = ""};
  if (!slot.ok()) {
    found.outcome = named ? Outcome::kNo : Outcome::kNotTried;
    found.detail = std::string(named ? slot.status().message() : "--label names another");
  } else if (!slot->pin_initialized) {
    found.outcome = Outcome::kNo;
    found.detail = "it has no user PIN yet";
  }
  return found;
}

// The slot whose mechanisms are looked at: the one that is meant, else the first with a
// token.
std::optional<CK_SLOT_ID> SlotToLookAt(const pkcs11::Module& module,
                                       const absl::StatusOr<pkcs11::Slot>& meant,
                                       const std::vector<pkcs11::Slot>& others) {
  if (meant.ok()) return meant->id;
  if (!others.empty()) return others.front().id;
  const auto blank = module.FindUninitializedSlot();
  return blank.ok() ? std::make_optional(*blank) : std::nullopt;
}

// What needs no login: the library, its tokens, the algorithms that it offers.
absl::Status Survey(const Config& config, const pkcs11::Module& module, bool named,
                    CheckReport& report) {
  const auto library = module.Describe();
  report.module = {config.module, library.ok() ? *library : std::string(library.status().message()),
                   absl::StrCat("checked with profile \"", config.profile->name, "\"")};
  auto slots = module.Slots();
  if (!slots.ok()) return slots.status();
  for (const pkcs11::Slot& slot : *slots) {
    report.module.push_back(absl::StrCat("slot ", slot.id, ": \"", slot.label, "\", ",
                                         slot.token_model,
                                         slot.pin_initialized ? "" : ", without a user PIN"));
  }
  const auto meant = module.FindSlot(config.label);
  report.findings.push_back(TokenFinding(config, meant, named));
  const auto slot = SlotToLookAt(module, meant, *slots);
  std::vector<const Mechanism*> offered;
  if (slot) {
    auto discovered = DiscoverMechanisms(module, *slot);
    if (!discovered.ok()) return discovered.status();
    offered = *std::move(discovered);
  }
  AddFinding(report, /*required=*/true, kCanaryFinding,
             CanaryMechanism(offered) != nullptr
                 ? absl::OkStatus()
                 : absl::FailedPreconditionError("it has no ES256, ES384, ES512, EdDSA or RS256"),
             "its self-test");
  for (const Mechanism& row : AllMechanisms()) {
    report.algorithms.push_back({.name = std::string(row.algorithm->name),
                                 .offered = std::ranges::count(offered, &row) > 0,
                                 .outcome = Outcome::kNotTried,
                                 .detail = "the module offers it"});
  }
  return absl::OkStatus();
}

absl::Status Run(const CheckOptions& options, CheckReport& report) {
  if (!options.directory.empty()) {
    if (absl::Status s = EnterPartition(options.directory); !s.ok()) return s;
  }
  bool named = false;
  auto config = ConfigFor(options, named);
  if (!config.ok()) return config.status();
  // As serve with several sessions, so that it can be seen what they bring.
  Profile profile = *config->profile;
  profile.signing_sessions = std::max(profile.signing_sessions, kCheckSessions);
  config->profile = &profile;
  if (absl::Status s = Harden(profile); !s.ok()) return s;
  if (options.pin_file.empty()) {
    auto module = Load(*config, !options.directory.empty());
    return module.ok() ? Survey(*config, **module, named, report) : module.status();
  }
  auto open = LogIn(*config, /*peer_fd=*/-1);
  if (!open.ok()) return PinLatch::IfRefused(open.status());
  if (absl::Status s = Survey(*config, *(*open)->module, /*named=*/true, report); !s.ok()) return s;
  return Probe(**open, report);
}

}  // namespace

int Check(const CheckOptions& options) {
  CheckReport report;
  const absl::Status status = Run(options, report);
  if (!status.ok()) {
    LogError(std::string(status.message()));
    return ExitCodeOf(status);
  }
  const std::string page = FormatReport(report);
  std::fwrite(page.data(), 1, page.size(), stdout);
  std::fflush(stdout);
  return Usable(report) ? kExitOk : kExitPartitionUnusable;
}

}  // namespace sealward::hsm
