// What an issuer may be.
#ifndef SEALWARD_SERVER_API_ISSUER_RULES_H_
#define SEALWARD_SERVER_API_ISSUER_RULES_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/issuer_service.pb.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

inline constexpr size_t kMaxIssuerUrlBytes = 512;
inline constexpr absl::Duration kDefaultMaxAge = absl::Seconds(300);
inline constexpr absl::Duration kLongestMaxAge = absl::Hours(24);
inline constexpr absl::Duration kLongestPropagationTime = absl::Hours(24 * 30);
inline constexpr int kLeastJwksKeys = 3;
inline constexpr int kMostJwksKeys = 100;

// Whether `url` can be an `iss` that every validator reads alike: https, a host
// in lower case, an optional port that is not the default, an optional path in
// its normal form; no user, query or fragment; ASCII. OpenID Connect Discovery
// 1.0 section 3, RFC 3986 section 6. INVALID_ARGUMENT (ISSUER_URL_INVALID).
absl::Status CheckIssuerUrl(absl::string_view url);

// The issuer that `message` asks for, with defaults filled in; name and
// create_time are left to the caller. INVALID_ARGUMENT (ISSUER_URL_INVALID,
// CACHE_PROMISE_INVALID).
absl::StatusOr<catalog::Issuer> ParseIssuer(const v1::Issuer& message);

// An issuer as it is asked to become: `seen` with the fields of `message` that
// `fields` names (of "max_age", "propagation_time", "validator_profile",
// "max_jwks_keys"). One that is named and not set gets its default. INVALID_ARGUMENT
// (CACHE_PROMISE_INVALID).
absl::StatusOr<catalog::Issuer> ChangedIssuer(const catalog::Issuer& seen,
                                              const v1::Issuer& message,
                                              const std::set<std::string>& fields);

// `message` in whole seconds; nullopt if it is not from `least` to `most`.
std::optional<absl::Duration> ParseSeconds(const google::protobuf::Duration& message,
                                           absl::Duration least, absl::Duration most);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ISSUER_RULES_H_
