// Member names that some parsers take for registered claims.
#ifndef SEALWARD_SERVER_SIGNING_CLAIM_NAMES_H_
#define SEALWARD_SERVER_SIGNING_CLAIM_NAMES_H_

#include "absl/strings/string_view.h"

namespace sealward::signing {

// Whether a parser that ignores case (Go's encoding/json, .NET) reads `name` as
// one of the registered claims of RFC 7519 section 4.1: "AUD", or "i\u017Fs".
// REQUIRES: it is none of them exactly, and it is valid UTF-8. Pure.
bool LooksLikeRegisteredClaim(absl::string_view name);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_CLAIM_NAMES_H_
