#include "tests/bench/line_protocol.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <csignal>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"

namespace sealward::bench {
namespace {

constexpr int kExitFailure = 1;
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t ToNs(const timeval& time) {
  return time.tv_sec * kNsPerSecond + time.tv_usec * int64_t{1000};
}

void Print(const Json& line) { std::cout << line.dump() << std::endl; }

}  // namespace

absl::StatusOr<Json> ReadConfig(const char* path) {
  std::ifstream file(path);
  Json config = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " holds no JSON object"));
  }
  return config;
}

int ServeCommands(absl::FunctionRef<absl::StatusOr<Json>(const Json& command)> handle) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  Print({{"ready", true}});
  std::string line;
  while (std::getline(std::cin, line)) {
    absl::StatusOr<Json> answer;
    try {
      answer = handle(Json::parse(line));
    } catch (const std::exception& error) {  // a command of the wrong shape
      answer = absl::InvalidArgumentError(absl::StrCat(line, ": ", error.what()));
    }
    if (!answer.ok()) return Fail(answer.status());
    Print(*answer);
  }
  return 0;
}

int Fail(const absl::Status& status) {
  Print({{"error", status.ToString()}});
  return kExitFailure;
}

int64_t ProcessCpuNs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return ToNs(usage.ru_utime) + ToNs(usage.ru_stime);
}

int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

}  // namespace sealward::bench
