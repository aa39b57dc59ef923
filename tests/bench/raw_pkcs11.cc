// raw_pkcs11 CONFIG.json: measures a PKCS#11 module by itself, so that the
// bench can say what the service adds. Commands and answers as in
// line_protocol.h:
//
//   {"key":"es256","verify":true,"start_ns":N,"end_ns":N}
//
// signs (and verifies) the configured message from start_ns to end_ns of
// CLOCK_MONOTONIC; several processes are given the same two times, which is
// their barrier. The answer has ops, wall and CPU nanoseconds and percentiles.
//
// CONFIG.json: {"directory":…,"module":…,"label":…,"pin_file":…,"lock_file":…,
// "keys":[{"name":…,"alg":…,"label" or "id_hex":…,"spki_hex":…,"message":…}]}.
// The process works in `directory` and, if it is root, as its owner, as
// sealward-hsm does.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/latencies.h"
#include "tests/bench/raw_module.h"
#include "tests/bench/reference_verifier.h"

namespace sealward::bench {
namespace {

constexpr int kExitUsage = 2;

// RawKey is one key of the partition with its public half and its message.
struct RawKey {
  explicit RawKey(const Scheme& scheme) : hasher(scheme) {}

  Hasher hasher;
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  std::unique_ptr<ReferenceVerifier> verifier;
  std::string message;
};

absl::Status EnterDirectory(const std::string& directory) {
  struct stat info{};
  if (stat(directory.c_str(), &info) != 0 || chdir(directory.c_str()) != 0) {
    return absl::NotFoundError(absl::StrCat(directory, ": ", std::strerror(errno)));
  }
  if (geteuid() != 0 || info.st_uid == 0) return absl::OkStatus();
  if (setgroups(0, nullptr) != 0 || setgid(info.st_gid) != 0 || setuid(info.st_uid) != 0) {
    return absl::PermissionDeniedError(absl::StrCat("setuid: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

// One operation: signs, and verifies if asked to.
absl::Status Operate(RawModule& module, RawKey& key, bool verify) {
  std::array<unsigned char, RawModule::kMaxSignatureBytes> signature;
  absl::StatusOr<size_t> size = module.Sign(key.hasher, key.handle, key.message, signature);
  if (!size.ok()) return size.status();
  if (!verify) return absl::OkStatus();
  absl::string_view view(reinterpret_cast<const char*>(signature.data()), *size);
  if (key.verifier->Verify(key.message, view)) return absl::OkStatus();
  return absl::DataLossError("the signature does not verify");
}

// Finds the key pair that `config` describes. Versions of one key share a
// label: the one whose signature verifies is meant.
absl::StatusOr<RawKey> LoadKey(RawModule& module, const Json& config) {
  absl::StatusOr<const Scheme*> scheme = SchemeOf(config.at("alg").get<std::string>());
  if (!scheme.ok()) return scheme.status();
  RawKey key(**scheme);
  key.message = config.at("message");
  auto verifier = ReferenceVerifier::Create(
      **scheme, absl::HexStringToBytes(config.at("spki_hex").get<std::string>()));
  if (!verifier.ok()) return verifier.status();
  key.verifier = std::move(*verifier);
  const bool by_id = config.contains("id_hex");
  const std::string wanted = by_id ? absl::HexStringToBytes(config.at("id_hex").get<std::string>())
                                   : config.at("label").get<std::string>();
  auto found = module.FindPrivateKeys(by_id ? CKA_ID : CKA_LABEL, wanted);
  if (!found.ok()) return found.status();
  for (CK_OBJECT_HANDLE object : *found) {
    absl::StatusOr<CK_OBJECT_HANDLE> copy = module.CopyToSession(object);
    if (!copy.ok()) return copy.status();
    key.handle = *copy;
    if (Operate(module, key, /*verify=*/true).ok()) return key;
  }
  return absl::NotFoundError(absl::StrCat("none of ", found->size(), " objects is key ",
                                          config.at("name").get<std::string>()));
}

// The processes of one measurement start together: the runner tells each the same
// moment. This is a bench, no test: nothing is asserted about the time.
void WaitUntil(int64_t monotonic_ns) {
  const timespec until{monotonic_ns / 1'000'000'000, monotonic_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

absl::StatusOr<Json> Measure(RawModule& module, RawKey& key, const Json& command) {
  const bool verify = command.at("verify");
  const int64_t end_ns = command.at("end_ns");
  Latencies latencies;
  WaitUntil(command.at("start_ns"));
  const int64_t cpu_before_ns = ProcessCpuNs();
  const int64_t start_ns = MonotonicNs();
  int64_t now_ns = start_ns;
  while (now_ns < end_ns) {
    if (absl::Status status = Operate(module, key, verify); !status.ok()) return status;
    const int64_t done_ns = MonotonicNs();
    latencies.Add(done_ns - now_ns);
    now_ns = done_ns;
  }
  if (latencies.count() == 0) return absl::DeadlineExceededError("end_ns was in the past");
  return Json{{"ops", latencies.count()},
              {"wall_ns", now_ns - start_ns},
              {"cpu_ns", ProcessCpuNs() - cpu_before_ns},
              {"latency", latencies.Percentiles()}};
}

int Run(const Json& config) {
  if (absl::Status status = EnterDirectory(config.at("directory")); !status.ok()) {
    return Fail(status);
  }
  auto module = RawModule::Open({.module = config.at("module"),
                                 .label = config.at("label"),
                                 .pin_file = config.at("pin_file"),
                                 .lock_file = config.at("lock_file")});
  if (!module.ok()) return Fail(module.status());
  std::map<std::string, RawKey> keys;
  for (const Json& entry : config.at("keys")) {
    absl::StatusOr<RawKey> key = LoadKey(**module, entry);
    if (!key.ok()) return Fail(key.status());
    keys.emplace(entry.at("name"), std::move(*key));
  }
  return ServeCommands(
      [&](const Json& command) { return Measure(**module, keys.at(command.at("key")), command); });
}

}  // namespace
}  // namespace sealward::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: raw_pkcs11 CONFIG.json\n";
    return sealward::bench::kExitUsage;
  }
  absl::StatusOr<sealward::bench::Json> config = sealward::bench::ReadConfig(argv[1]);
  if (!config.ok()) return sealward::bench::Fail(config.status());
  try {
    return sealward::bench::Run(*config);
  } catch (const std::exception& error) {  // a member is missing or has another type
    return sealward::bench::Fail(absl::InvalidArgumentError(error.what()));
  }
}
