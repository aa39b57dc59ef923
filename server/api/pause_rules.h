// How long a key may be paused.
#ifndef SEALWARD_SERVER_API_PAUSE_RULES_H_
#define SEALWARD_SERVER_API_PAUSE_RULES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/lifecycle_service.pb.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/course.h"

namespace sealward::api {

inline constexpr size_t kMaxPauseReasonBytes = 256;

// How long the key was paused since its last switch, the pause that holds now
// included up to `now`. Pure.
absl::Duration PausedSoFar(const catalog::Key& key, const lifecycle::KeyCourse& course,
                           absl::Time now);

// The key with a pause that begins at `now`, in the place of one that holds already.
// INVALID_ARGUMENT (PAUSE_INVALID): no end, no reason, longer than
// lifecycle::kMaxPause, or past what is left of lifecycle::kMaxPausedInAll;
// FAILED_PRECONDITION (PAUSE_PASSES_SIGN_UNTIL): the version that signs reaches its
// hard end before. Pure.
absl::StatusOr<catalog::Key> WithPause(const catalog::Key& seen, const lifecycle::KeyCourse& course,
                                       const v1::PauseKeyRequest& request, absl::string_view owner,
                                       absl::Time now);

// The key without a pause that holds at `now`; it goes on counting.
catalog::Key WithoutPause(const catalog::Key& seen, absl::Time now);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_PAUSE_RULES_H_
