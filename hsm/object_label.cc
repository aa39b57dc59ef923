#include "hsm/object_label.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/algorithms.h"
#include "common/errors.h"
#include "common/resource_name.h"

namespace sealward::hsm {
namespace {

struct PurposeName {
  v1::ObjectPurpose purpose;
  absl::string_view name;
};

constexpr absl::string_view kVersion = "sealward:1:";

constexpr PurposeName kPurposes[] = {
    {v1::OBJECT_PURPOSE_JWT, "jwt"},
    {v1::OBJECT_PURPOSE_RAW, "raw"},
};

// Whether a label may name it: an algorithm that is not the usual one.
bool IsNamed(absl::string_view jose_alg) {
  return std::ranges::any_of(AllAlgorithms(), [&](const AlgorithmInfo& row) {
    return row.jose_alg == jose_alg && !IsUsual(row);
  });
}

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
  if (row == std::end(kPurposes)) return "";
  return absl::StrCat(kVersion, row->name, jose_alg.empty() ? "" : "+", jose_alg, ":", key);
}

std::optional<ObjectLabel> ObjectLabel::Parse(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kVersion)) return std::nullopt;
  for (const PurposeName& row : kPurposes) {
    absl::string_view rest = text;
    if (!absl::ConsumePrefix(&rest, row.name)) continue;
    absl::string_view alg;
    if (absl::ConsumePrefix(&rest, "+")) {
      alg = rest.substr(0, rest.find(':'));
      if (!IsNamed(alg)) return std::nullopt;
      rest.remove_prefix(alg.size());
    }
    if (!absl::ConsumePrefix(&rest, ":") || !KeyName::Parse(rest).ok()) return std::nullopt;
    return ObjectLabel{row.purpose, std::string(rest), std::string(alg)};
  }
  return std::nullopt;
}

std::optional<ObjectLabel> ObjectLabel::FromRef(const v1::ObjectRef& ref) {
  return Parse(ObjectLabel{ref.purpose(), ref.key(), ""}.ToString());
}

}  // namespace sealward::hsm
