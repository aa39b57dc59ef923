#include "common/measures.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace sealward {
namespace {

struct Name {
  Measure measure;
  absl::string_view name;
};

constexpr std::array kNames = {
    Name{Measure::kOwnUser, "own-user"},
    Name{Measure::kDropGroups, "drop-groups"},
    Name{Measure::kCoreLimit, "core-limit"},
    Name{Measure::kNotDumpable, "not-dumpable"},
    Name{Measure::kNoNewPrivs, "no-new-privs"},
    Name{Measure::kSandbox, "sandbox"},
    Name{Measure::kStackBurn, "stack-burn"},
    Name{Measure::kWipeOnFree, "wipe-on-free"},
    Name{Measure::kImmediateBind, "immediate-bind"},
    Name{Measure::kMemoryLock, "memory-lock"},
    Name{Measure::kPinLock, "pin-lock"},
    Name{Measure::kPinNoDump, "pin-no-dump"},
    Name{Measure::kPinWipeOnFork, "pin-wipe-on-fork"},
    Name{Measure::kPinWipe, "pin-wipe"},
    Name{Measure::kPeerCheck, "peer-check"},
    Name{Measure::kServerNoDump, "server-not-dumpable"},
};

uint32_t Bit(Measure measure) { return 1U << static_cast<uint32_t>(measure); }

uint32_t FromEnvironment() {
  const char* text = std::getenv(kWithoutVariable);
  if (text == nullptr) return 0;
  uint32_t omitted = 0;
  for (const absl::string_view word : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const Name* found = nullptr;
    for (const Name& each : kNames) {
      if (each.name == word) found = &each;
    }
    if (found == nullptr) {
      std::fprintf(stderr, "%s names no measure: %s\n", kWithoutVariable, text);
      std::_Exit(2);
    }
    omitted |= Bit(found->measure);
  }
  return omitted;
}

std::atomic<uint32_t>& Cached() {
  static std::atomic<uint32_t> cached = FromEnvironment();
  return cached;
}

}  // namespace

bool Omitted(Measure measure) {
  return (Cached().load(std::memory_order_relaxed) & Bit(measure)) != 0;
}

void ReadOmittedAgain() { Cached() = FromEnvironment(); }

}  // namespace sealward
