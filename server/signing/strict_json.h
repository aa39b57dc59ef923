// A scanner for JSON texts that must mean one thing to everybody.
#ifndef SEALWARD_SERVER_SIGNING_STRICT_JSON_H_
#define SEALWARD_SERVER_SIGNING_STRICT_JSON_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace sealward::signing {

// JsonValue is one value as the scanner meets it.
struct JsonValue {
  enum class Kind : uint8_t { kObject, kArray, kString, kNumber, kBoolean, kNull };
  Kind kind = Kind::kNull;
  absl::string_view text;  // kString, escapes resolved; valid during the call only
  double number = 0;       // kNumber
};

// JsonError says where a text is wrong and how. `what` is a static string and
// holds nothing of the text.
struct JsonError {
  size_t offset = 0;
  absl::string_view what;
};

// Told of each value of the outermost object's members (level 1) and of each
// value directly inside those (level 2), in the order of the text. `member` is
// the outermost member's name, escapes resolved; valid during the call only. A
// returned string (static) ends the scan with that error.
using JsonVisitor = absl::FunctionRef<std::optional<absl::string_view>(
    int level, absl::string_view member, const JsonValue& value)>;

// Reads `text`, which must be exactly one JSON object (RFC 8259), stricter than
// the grammar wherever parsers in use disagree on what a text says:
//
// - UTF-8 without surrogates, overlong forms or a byte order mark;
// - no NUL, raw or as \u0000 (some parsers end the string there);
// - no unpaired surrogate escapes;
// - no member name twice in one object, compared after escapes are resolved;
// - at most `max_depth` containers inside each other, the outermost included;
// - no number whose absolute value overflows a double.
//
// nullopt if all is well. Allocates nothing for common texts; recursion is
// bounded by `max_depth`. Pure.
std::optional<JsonError> ScanJsonObject(absl::string_view text, int max_depth, JsonVisitor visitor);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_STRICT_JSON_H_
