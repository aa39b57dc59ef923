#include "hsm/object_label.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errors.h"
#include "common/resource_name.h"

namespace sealward::hsm {
namespace {

struct PurposeName {
  v1::ObjectPurpose purpose;
  absl::string_view prefix;
};

constexpr PurposeName kPurposes[] = {
    {v1::OBJECT_PURPOSE_JWT, "sealward:1:jwt:"},
};

}  // namespace

std::optional<ObjectId> ToObjectId(absl::string_view bytes) {
  ObjectId id;
  if (bytes.size() != id.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

absl::Status InvalidRef(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "OBJECT_REF_INVALID", what);
}

absl::StatusOr<ObjectId> ParseObjectId(absl::string_view bytes) {
  if (const auto id = ToObjectId(bytes)) return *id;
  return InvalidRef(
      absl::StrCat("an object id has ", kObjectIdBytes, " bytes, not ", bytes.size()));
}

std::string Hex(const ObjectId& id) { return absl::BytesToHexString(View(id)); }

std::string ObjectLabel::ToString() const {
  const auto* row = std::ranges::find(kPurposes, purpose, &PurposeName::purpose);
  return row == std::end(kPurposes) ? "" : absl::StrCat(row->prefix, key);
}

std::optional<ObjectLabel> ObjectLabel::Parse(absl::string_view text) {
  for (const PurposeName& row : kPurposes) {
    absl::string_view key = text;
    if (absl::ConsumePrefix(&key, row.prefix) && KeyName::Parse(key).ok()) {
      return ObjectLabel{row.purpose, std::string(key)};
    }
  }
  return std::nullopt;
}

std::optional<ObjectLabel> ObjectLabel::FromRef(const v1::ObjectRef& ref) {
  return Parse(ObjectLabel{ref.purpose(), ref.key()}.ToString());
}

}  // namespace sealward::hsm
