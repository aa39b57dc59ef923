#include "server/signing/claim_names.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sealward::signing {
namespace {

// RFC 7519 section 4.1.
constexpr std::array<absl::string_view, 7> kRegisteredClaims = {"iss", "sub", "aud", "exp",
                                                                "nbf", "iat", "jti"};
constexpr size_t kClaimNameLength = 3;  // of all of them

// The letter of a claim name that the character at `at` folds to; moves past
// it. Besides ASCII: U+017F (long s), which Go's encoding/json takes for an s,
// and U+0130 and U+0131 (i with and without dot), which upper-casing libraries
// take for an i.
char FoldOne(absl::string_view name, size_t& at) {
  const auto c = static_cast<unsigned char>(name[at]);
  if (c < 0x80) {
    ++at;
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  const absl::string_view pair = name.substr(at, 2);
  at += 2;
  if (pair == "\u017F") return 's';
  if (pair == "\u0130" || pair == "\u0131") return 'i';
  at = name.size();
  return '\0';
}

}  // namespace

bool LooksLikeRegisteredClaim(absl::string_view name) {
  if (name.size() < kClaimNameLength || name.size() > 2 * kClaimNameLength) return false;
  std::array<char, kClaimNameLength> folded{};
  size_t at = 0;
  for (char& c : folded) {
    if (at >= name.size()) return false;
    c = FoldOne(name, at);
  }
  if (at != name.size()) return false;
  const absl::string_view text(folded.data(), folded.size());
  return std::ranges::find(kRegisteredClaims, text) != kRegisteredClaims.end();
}

}  // namespace sealward::signing
