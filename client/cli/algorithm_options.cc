#include "client/cli/algorithm_options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/exit_code.h"
#include "client/cli/suggest.h"
#include "common/algorithms.h"

namespace sealward::client::cli {

std::vector<std::string> AlgorithmNames() {
  std::vector<std::string> names;
  for (const AlgorithmInfo& row : AllAlgorithms()) names.emplace_back(row.name);
  return names;
}

absl::StatusOr<v1::Algorithm> ParseAlgorithm(const std::string& text) {
  for (const AlgorithmInfo& row : AllAlgorithms()) {
    if (absl::EqualsIgnoreCase(row.name, text)) return row.algorithm;
  }
  return UsageError(absl::StrCat("--algorithm: \"", text, "\" is not one of ",
                                 absl::StrJoin(AlgorithmNames(), ", "),
                                 DidYouMean(text, AlgorithmNames())));
}

}  // namespace sealward::client::cli
