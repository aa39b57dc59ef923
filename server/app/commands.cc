#include "server/app/commands.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/errors.h"
#include "common/grpc_tls.h"
#include "common/measures.h"
#include "server/app/config.h"
#include "server/app/exit_codes.h"
#include "server/app/first_use.h"
#include "server/app/grpc_log.h"
#include "server/app/ready_file.h"
#include "server/app/server.h"
#include "server/app/signals.h"
#include "server/auth/bootstrap.h"
#include "server/catalog/access_mutations.h"
#include "server/catalog/catalog.h"
#include "server/catalog/operations_mutations.h"
#include "server/lifecycle/key_manager.h"
#include "server/store/sqlite_store.h"
#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

int Fail(const absl::Status& status, int exit_code) {
  std::cerr << "sealward-server: " << status.message() << "\n";
  return exit_code;
}

// What went wrong decides whether a supervisor should try again: a store that
// cannot be used will not mend itself, one that is in use may become free.
int ExitCodeOf(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  if (reason == "STORE_LOCKED" || reason == "STORE_FULL") return kExitTemporary;
  if (absl::StartsWith(reason, "STORE_") || absl::IsDataLoss(status)) return kExitStore;
  if (absl::StartsWith(reason, "PARTITION_")) return kExitConfig;
  return absl::IsInvalidArgument(status) ? kExitConfig : kExitTemporary;
}

absl::StatusOr<Config> Load(const ConfigSource& source) {
  auto config = LoadConfig(source.path, source.default_hsm_binary);
  if (!config.ok()) return config.status();
  const auto level = telemetry::ParseLevel(config->log.level);
  if (!level) {
    return absl::InvalidArgumentError(source.path +
                                      ": log.level must be debug, info, warning or error");
  }
  telemetry::SetLogLevel(*level);
  return config;
}

// The store and what it writes beside it are nobody else's business, and a core
// file of the server would hold TLS keys and JWTs.
void Harden(const Config& config) {
  umask(S_IRWXG | S_IRWXO);
  if (!config.debug.core_dumps && !SEALWARD_OMITTED(kServerNoDump)) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  // gRPC 1.51 gives a listener up for good that cannot accept for want of descriptors
  // (CVE-2023-4785): 1024, as many systems have it, would be few.
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  // Debian builds abseil with it; it costs a lock for each lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

// All in one transaction: a store has all its first admins or none.
absl::Status CreateStore(const Config& config, const std::vector<std::string>& admins,
                         const Clock& clock) {
  const auto bindings = auth::FirstAdmins(admins, clock.Now());
  if (!bindings.ok()) return bindings.status();
  std::error_code error;
  if (!std::filesystem::exists(config.store.path, error)) {
    if (absl::Status first = CheckFirstUse(config, clock); !first.ok()) return first;
  }
  auto store =
      store::SqliteStore::Open(config.store.path, store::SqliteStore::Mode::kCreate, &clock);
  if (!store.ok()) return store.status();
  store::Transaction all;
  for (const catalog::RoleBinding& binding : *bindings) {
    const store::Transaction one = catalog::CreateBinding(nullptr, binding);
    all.compares.insert(all.compares.end(), one.compares.begin(), one.compares.end());
    all.operations.insert(all.operations.end(), one.operations.begin(), one.operations.end());
  }
  catalog::PutStoreIdentity({lifecycle::SystemRandomBytes(catalog::kLineageBytes), 0}, all);
  return (*store)->Commit(all).status();
}

}  // namespace

int RunInit(const ConfigSource& source, const std::vector<std::string>& admins) {
  const SystemClock clock;
  auto config = Load(source);
  if (!config.ok()) return Fail(config.status(), kExitConfig);
  Harden(*config);
  if (absl::Status created = CreateStore(*config, admins, clock); !created.ok()) {
    return Fail(created, ExitCodeOf(created));
  }
  std::cerr << "created the store " << config->store.path << " with admin "
            << absl::StrJoin(admins, " and ") << "\n";
  return kExitOk;
}

int RunServe(const ConfigSource& source, absl::string_view ready_file) {
  const SystemClock clock;
  BlockSignals();
  RequireTls13();
  KeepOpenSslForGrpc();
  UseOurLogForGrpc();
  auto config = Load(source);
  if (!config.ok()) return Fail(config.status(), kExitConfig);
  Harden(*config);
  auto server = Server::Start(*config, &clock);
  if (!server.ok()) return Fail(server.status(), ExitCodeOf(server.status()));
  const ReadyInfo info = (*server)->Info();
  telemetry::Log(telemetry::Level::kInfo, "serving",
                 {{"signing", info.signing},
                  {"admin", info.admin},
                  {"https", info.https},
                  {"metrics", info.metrics},
                  {"hsm_ready", info.hsm_ready},
                  {"hsm_alarm", info.hsm_alarm}});
  if (!ready_file.empty()) {
    if (absl::Status written = WriteReadyFile(ready_file, info); !written.ok()) {
      return Fail(written, kExitConfig);
    }
  }
  const int signal = WaitForSignal();
  telemetry::Log(telemetry::Level::kInfo, "stopping", {{"signal", signal}});
  (*server)->Stop();
  telemetry::Log(telemetry::Level::kInfo, "stopped");
  return kExitOk;
}

}  // namespace sealward::app
