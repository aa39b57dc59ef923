// base64url without padding, as JOSE uses it (RFC 7515 section 2).
#ifndef SEALWARD_COMMON_BASE64URL_H_
#define SEALWARD_COMMON_BASE64URL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sealward {

// Encodes without padding.
std::string Base64UrlEncode(absl::string_view bytes);

// Appends the encoding of `bytes` to `out`.
void Base64UrlAppend(absl::string_view bytes, std::string& out);

// Decodes the canonical form only: no padding, no white space, no other
// alphabet, unused bits zero. Anything else is nullopt, so that one value has
// one spelling.
std::optional<std::string> Base64UrlDecode(absl::string_view text);

}  // namespace sealward

#endif  // SEALWARD_COMMON_BASE64URL_H_
