// Durations as ISO 8601 writes them: P30D, PT1H30M, P2W.
#ifndef SEALWARD_COMMON_ISO_DURATION_H_
#define SEALWARD_COMMON_ISO_DURATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward {

// Longest duration that is taken: nothing that people plan with keys lasts longer.
inline constexpr absl::Duration kLongestDuration = absl::Hours(24 * 366 * 10);

// Whether `text` means to be one: it begins with P, after a sign if there is one.
bool LooksLikeIsoDuration(absl::string_view text);

// Parses ISO 8601-1 section 5.5.2.2: PnW, or PnDTnHnMnS with at least one part, in
// that order. Numbers are whole and in ASCII, but for seconds, which may have up to 9
// decimal places ("PT1.5S"). A day has 24 hours, a week 7 days.
//
// INVALID_ARGUMENT (DURATION_INVALID) with the reason: years and months (they have no
// fixed length), zero, negative, beyond kLongestDuration, or not of this form.
absl::StatusOr<absl::Duration> ParseIsoDuration(absl::string_view text);

// The shortest text without weeks that ParseIsoDuration reads as `duration`.
// REQUIRES: positive, whole nanoseconds, at most kLongestDuration.
std::string FormatIsoDuration(absl::Duration duration);

}  // namespace sealward

#endif  // SEALWARD_COMMON_ISO_DURATION_H_
