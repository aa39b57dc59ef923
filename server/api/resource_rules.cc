#include "server/api/resource_rules.h"

#include "common/errors.h"
#include "common/resource_name.h"

namespace sealward::api {

absl::Status CheckResourceId(absl::string_view field, absl::string_view id) {
  if (IsValidResourceId(id)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "NAME_INVALID",
                   absl::StrCat(field,
                                " must be 1-63 characters of a-z, 0-9 and hyphen, start with a "
                                "letter and not end with a hyphen"));
}

}  // namespace sealward::api
