// How run.py drives the bench's two programs: one JSON object a line on stdin,
// one JSON object a line on stdout. The first line out is {"ready":true}; end
// of file on stdin ends the program, so that nothing outlives a killed runner.
// {"error":"…"} instead of an answer fails the bench.
#ifndef SEALWARD_TESTS_BENCH_LINE_PROTOCOL_H_
#define SEALWARD_TESTS_BENCH_LINE_PROTOCOL_H_

#include <nlohmann/json.hpp>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::bench {

using Json = nlohmann::json;

// Reads the JSON object in the file at `path`.
absl::StatusOr<Json> ReadConfig(const char* path);

// Announces readiness, then answers each command with what `handle` returns,
// until the end of stdin or the first error. Returns the program's exit code.
int ServeCommands(absl::FunctionRef<absl::StatusOr<Json>(const Json& command)> handle);

// Prints {"error":…} and returns the exit code of a failure.
int Fail(const absl::Status& status);

// Nanoseconds of user and system time that this process has used so far.
int64_t ProcessCpuNs();

// CLOCK_MONOTONIC, nanoseconds: the same clock as Python's time.monotonic_ns.
int64_t MonotonicNs();

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_LINE_PROTOCOL_H_
