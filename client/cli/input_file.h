// Small files that are named on the command line.
#ifndef SEALWARD_CLIENT_CLI_INPUT_FILE_H_
#define SEALWARD_CLIENT_CLI_INPUT_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::client::cli {

// Largest such file: what the server takes as a CA bundle.
inline constexpr size_t kMaxInputFileBytes = 65'536;

// The content. INVALID_ARGUMENT (USAGE), naming the flag and the file, for one that
// cannot be read or is larger.
absl::StatusOr<std::string> ReadInputFile(absl::string_view flag, const std::string& path);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_INPUT_FILE_H_
