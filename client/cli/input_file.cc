#include "client/cli/input_file.h"

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"

namespace sealward::client::cli {

absl::StatusOr<std::string> ReadInputFile(absl::string_view flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxInputFileBytes + 1, '\0');
  if (!file.is_open() || (file.read(text.data(), std::ssize(text)), file.bad())) {
    return UsageError(absl::StrCat(flag, ": cannot read ", path));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxInputFileBytes) {
    return UsageError(
        absl::StrCat(flag, ": ", path, " is larger than ", kMaxInputFileBytes, " bytes"));
  }
  return text;
}

}  // namespace sealward::client::cli
