#include "hsm/header_check.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"

namespace sealward::hsm {
namespace {

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SIGNING_INPUT_INVALID",
                   absl::StrCat("the signing input ", message));
}

absl::Status Mismatch(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "HEADER_MISMATCH", message);
}

constexpr std::array<bool, 256> MakeAlphabet() {
  std::array<bool, 256> in{};
  for (int c = 'a'; c <= 'z'; ++c) in[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) in[static_cast<size_t>(c)] = true;
  for (int c = '0'; c <= '9'; ++c) in[static_cast<size_t>(c)] = true;
  in['-'] = in['_'] = true;
  return in;
}
constexpr std::array<bool, 256> kAlphabet = MakeAlphabet();

bool IsBase64UrlText(absl::string_view text) {
  bool all = true;
  for (const char c : text) all &= kAlphabet[static_cast<uint8_t>(c)];
  return all && text.size() % 4 != 1;
}

// Collects the members of a flat object of strings; stops at anything else. A
// DOM would not do: it keeps the last of two members of one name.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::optional<std::string> alg, kid, typ;
  const char* problem = "is no JSON object";

  bool start_object(std::size_t) override {
    return depth_++ == 0 || Stop("has a member that is no string");
  }
  bool key(string_t& name) override {
    member_ = name == "alg" ? &alg : name == "kid" ? &kid : name == "typ" ? &typ : nullptr;
    if (member_ == nullptr) return Stop("has a member other than alg, kid and typ");
    return !*member_ || Stop("has a member twice");
  }
  bool string(string_t& value) override {
    if (member_ == nullptr) return Stop("is no JSON object");
    *member_ = value;
    return true;
  }
  bool end_object() override { return true; }

  bool null() override { return NotString(); }
  bool boolean(bool) override { return NotString(); }
  bool number_integer(number_integer_t) override { return NotString(); }
  bool number_unsigned(number_unsigned_t) override { return NotString(); }
  bool number_float(number_float_t, const string_t&) override { return NotString(); }
  bool binary(binary_t&) override { return NotString(); }
  bool start_array(std::size_t) override { return NotString(); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool Stop(const char* why) {
    problem = why;
    return false;
  }
  bool NotString() { return Stop("has a member that is no string"); }

  int depth_ = 0;
  std::optional<std::string>* member_ = nullptr;
};

bool IsMediaType(absl::string_view typ) {
  if (typ.empty() || typ.size() > kMaxTypBytes) return false;
  for (const char c : typ) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '"' || c == '\\') return false;
  }
  return true;
}

}  // namespace

absl::Status HeaderCheck::CheckHeader(absl::string_view encoded) const {
  const std::optional<std::string> json = Base64UrlDecode(encoded);
  if (!json) return Invalid("has a header that is not base64url");
  // The parser would skip a byte order mark before the object, and takes a NUL
  // for the end of the input.
  if (json->size() < 2 || json->front() != '{' || json->back() != '}' ||
      json->find('\0') != std::string::npos) {
    return Invalid("has a header that is no JSON object");
  }
  HeaderReader reader;
  if (!nlohmann::json::sax_parse(*json, &reader)) {
    return Invalid(absl::StrCat("has a header that ", reader.problem));
  }
  if (!reader.alg || !reader.kid) return Invalid("has a header without alg or kid");
  if (*reader.alg != alg_) {
    return Mismatch(absl::StrCat("the header's alg is not ", alg_, ", the key's algorithm"));
  }
  if (*reader.kid != kid_) {
    return Mismatch(absl::StrCat("the header's kid is not ", kid_, ", the kid of the object"));
  }
  if (reader.typ && !IsMediaType(*reader.typ)) return Invalid("has a header with a malformed typ");
  return absl::OkStatus();
}

absl::Status HeaderCheck::Check(absl::string_view signing_input) {
  absl::string_view header;  // with its dot
  for (const std::string& approved : approved_) {
    if (!approved.empty() && absl::StartsWith(signing_input, approved)) {
      header = approved;
      break;
    }
  }
  const bool known = !header.empty();
  if (!known) {
    const size_t dot = signing_input.find('.');
    if (dot == absl::string_view::npos || dot > kMaxHeaderBytes) {
      return Invalid(absl::StrCat("has no header of at most ", kMaxHeaderBytes, " characters"));
    }
    header = signing_input.substr(0, dot + 1);
    if (absl::Status s = CheckHeader(header.substr(0, dot)); !s.ok()) return s;
  }
  const absl::string_view payload = signing_input.substr(header.size());
  if (payload.empty() || !IsBase64UrlText(payload)) {
    return Invalid("has a payload that is not base64url");
  }
  if (!known) {
    approved_[next_] = std::string(header);
    next_ = (next_ + 1) % kApproved;
  }
  return absl::OkStatus();
}

}  // namespace sealward::hsm
