// "Did you mean": the nearest of some words.
#ifndef SEALWARD_CLIENT_CLI_SUGGEST_H_
#define SEALWARD_CLIENT_CLI_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sealward::client::cli {

// The candidate that `word` was most likely meant to be, or "" if none is near: the first that
// begins with it, or else one that is two slips away, or a third of its letters where that is more.
std::string Nearest(absl::string_view word, const std::vector<std::string>& candidates);

// "; did you mean X?", or "" if there is no such X.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_SUGGEST_H_
