// What a key may be.
#ifndef SEALWARD_SERVER_API_KEY_RULES_H_
#define SEALWARD_SERVER_API_KEY_RULES_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/key_service.pb.h"
#include "server/lifecycle/new_key.h"

namespace sealward::api {

inline constexpr int kMaxAudiencesOfKey = 64;
inline constexpr size_t kMaxAudienceBytes = 512;
inline constexpr int kMaxTyps = 8;
inline constexpr size_t kMaxTypBytes = 64;
inline constexpr int kMaxSubjectPrefixes = 16;
inline constexpr size_t kMaxSubjectPrefixBytes = 256;
inline constexpr absl::string_view kDefaultTyp = "JWT";
inline constexpr absl::Duration kDefaultJwtLifetime = absl::Hours(1);
inline constexpr absl::Duration kLongestJwtLifetime = absl::Hours(24 * 30);
inline constexpr absl::Duration kLongestRetireAfter = absl::Hours(24 * 3652);
inline constexpr absl::Duration kLongestRawPropagation = absl::Hours(24 * 7);

// The key that `message` asks for, named `name`, below `tenant`
// (tenants/{tenant}), with defaults filled in. INVALID_ARGUMENT
// (PURPOSE_INVALID, SCOPE_INVALID, ALGORITHM_UNSUPPORTED, QUOTA_INVALID,
// POLICY_INFEASIBLE for a duration alone). Whether the issuer exists is not looked at.
absl::StatusOr<lifecycle::NewKey> ParseNewKey(absl::string_view tenant, absl::string_view name,
                                              const v1::Key& message);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_KEY_RULES_H_
