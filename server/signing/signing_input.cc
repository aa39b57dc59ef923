#include "server/signing/signing_input.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "server/signing/strict_json.h"

namespace sealward::signing {
namespace {

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SIGNING_INPUT_INVALID",
                   absl::StrCat("the signing input ", message));
}

// Puts the members of a header where they belong.
class HeaderReader {
 public:
  std::optional<absl::string_view> Take(absl::string_view member, const JsonValue& value) {
    std::optional<std::string>* const place = PlaceOf(member);
    if (place == nullptr) return "a parameter other than alg, kid and typ";
    if (value.kind != JsonValue::Kind::kString) return "a parameter that is no string";
    *place = std::string(value.text);
    return std::nullopt;
  }

  absl::StatusOr<ReadyHeader> Header() && {
    if (!alg_ || !kid_) return Invalid("has a header without alg or kid");
    return ReadyHeader{*std::move(alg_), *std::move(kid_), std::move(typ_)};
  }

 private:
  std::optional<std::string>* PlaceOf(absl::string_view member) {
    if (member == "alg") return &alg_;
    if (member == "kid") return &kid_;
    return member == "typ" ? &typ_ : nullptr;
  }

  std::optional<std::string> alg_;
  std::optional<std::string> kid_;
  std::optional<std::string> typ_;
};

absl::StatusOr<ReadyHeader> ReadHeader(absl::string_view encoded) {
  if (encoded.size() > kMaxHeaderBytes) {
    return Invalid(absl::StrCat("has a header of over ", kMaxHeaderBytes, " characters"));
  }
  const auto json = Base64UrlDecode(encoded);
  if (!json) return Invalid("has a header that is not canonical base64url");
  // sealward-hsm takes no white space around it.
  if (json->empty() || json->front() != '{' || json->back() != '}') {
    return Invalid("has a header that is not a JSON object from its first byte to its last");
  }
  HeaderReader reader;
  // One level: a header of strings has no other.
  const auto error =
      ScanJsonObject(*json, 1, [&](int, absl::string_view member, const JsonValue& value) {
        return reader.Take(member, value);
      });
  if (error) {
    return Invalid(absl::StrCat("has a header with ", error->what, " at byte ", error->offset));
  }
  return std::move(reader).Header();
}

}  // namespace

absl::StatusOr<ReadySigningInput> ReadSigningInput(absl::string_view input) {
  if (input.size() > kMaxSigningInputBytes) {
    return Invalid(absl::StrCat("has over ", kMaxSigningInputBytes, " characters"));
  }
  const size_t dot = input.find('.');
  if (dot == absl::string_view::npos || input.find('.', dot + 1) != absl::string_view::npos) {
    return Invalid("is not two parts with a dot between them");
  }
  auto header = ReadHeader(input.substr(0, dot));
  if (!header.ok()) return header.status();
  auto claims = Base64UrlDecode(input.substr(dot + 1));
  if (!claims) return Invalid("has claims that are not canonical base64url");
  return ReadySigningInput{*std::move(header), *std::move(claims)};
}

}  // namespace sealward::signing
