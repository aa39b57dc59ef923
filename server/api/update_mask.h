// Which fields an update takes (AIP-134, AIP-161).
#ifndef SEALWARD_SERVER_API_UPDATE_MASK_H_
#define SEALWARD_SERVER_API_UPDATE_MASK_H_

#include <initializer_list>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/field_mask.pb.h"

namespace sealward::api {

// Paths of one mask.
inline constexpr int kMaxMaskPaths = 64;

// The fields that `mask` names, out of the `mutable_fields` of a message; all of
// them for an empty mask and for "*" alone. INVALID_ARGUMENT
// (UPDATE_MASK_INVALID), naming the path, for one that is not among them: it is
// unknown, fixed at creation, or inside of one.
absl::StatusOr<std::set<std::string>> ParseUpdateMask(
    const google::protobuf::FieldMask& mask,
    std::initializer_list<absl::string_view> mutable_fields);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_UPDATE_MASK_H_
