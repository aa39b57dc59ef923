// What every engine checks before it touches its store, so that all of them
// refuse the same things in the same words.
#ifndef SEALWARD_SERVER_STORE_LIMITS_H_
#define SEALWARD_SERVER_STORE_LIMITS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/store/store.h"

namespace sealward::store {

// Errors of every check: INVALID_ARGUMENT (STORE_LIMIT).
absl::Status CheckKey(absl::string_view key);
absl::Status CheckList(absl::string_view prefix, absl::string_view start_after, int limit);
absl::Status CheckTransaction(const Transaction& transaction);
absl::Status CheckWatch(absl::string_view prefix, int64_t revision);

// ABORTED (STORE_CONFLICT), naming the key of the condition that does not hold.
absl::Status ConflictError(const Compare& compare, int64_t found_revision);

// The first key that is after every key with `prefix`, for keys within the
// limits. A prefix of 0xff bytes only has no successor of its own length; the
// answer is then longer than any key.
std::string PrefixEnd(absl::string_view prefix);

// The first key of a listing: within `prefix` and after `start_after`.
std::string ListStart(absl::string_view prefix, absl::string_view start_after);

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_LIMITS_H_
