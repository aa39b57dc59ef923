#include "server/api/update_mask.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors.h"

namespace sealward::api {
namespace {

// Longest part of a wrong path in a message.
constexpr size_t kMaxShownPath = 64;

absl::Status Invalid(absl::string_view what,
                     std::initializer_list<absl::string_view> mutable_fields) {
  return MakeError(absl::StatusCode::kInvalidArgument, "UPDATE_MASK_INVALID",
                   absl::StrCat("update_mask: ", what,
                                "; what can be changed: ", absl::StrJoin(mutable_fields, ", ")));
}

}  // namespace

absl::StatusOr<std::set<std::string>> ParseUpdateMask(
    const google::protobuf::FieldMask& mask,
    std::initializer_list<absl::string_view> mutable_fields) {
  const bool all = mask.paths().empty() || (mask.paths_size() == 1 && mask.paths(0) == "*");
  if (all) return std::set<std::string>(mutable_fields.begin(), mutable_fields.end());
  if (mask.paths_size() > kMaxMaskPaths) return Invalid("too many paths", mutable_fields);
  std::set<std::string> fields;
  for (const std::string& path : mask.paths()) {
    if (std::ranges::find(mutable_fields, path) == mutable_fields.end()) {
      return Invalid(absl::StrCat("\"", absl::CHexEscape(path.substr(0, kMaxShownPath)),
                                  "\" cannot be changed"),
                     mutable_fields);
    }
    fields.insert(path);
  }
  return fields;
}

}  // namespace sealward::api
