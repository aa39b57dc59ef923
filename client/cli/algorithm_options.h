// Algorithms on the command line.
#ifndef SEALWARD_CLIENT_CLI_ALGORITHM_OPTIONS_H_
#define SEALWARD_CLIENT_CLI_ALGORITHM_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sealward/v1/algorithm.pb.h"

namespace sealward::client::cli {

// Every name that --algorithm takes.
std::vector<std::string> AlgorithmNames();

// The algorithm called `text`, in any case. INVALID_ARGUMENT (USAGE) with the nearest name.
absl::StatusOr<v1::Algorithm> ParseAlgorithm(const std::string& text);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_ALGORITHM_OPTIONS_H_
