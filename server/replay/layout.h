// Where calls with a request_id lie in the store:
//
//   replay/calls/<SHA-256 of principal, method and request_id, in hexadecimal>   ReplayRecord
//   replay/times/<microseconds since the epoch, 17 digits>/<the same>           empty
//
// The second says which of the first have lapsed.
#ifndef SEALWARD_SERVER_REPLAY_LAYOUT_H_
#define SEALWARD_SERVER_REPLAY_LAYOUT_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace sealward::replay {

inline constexpr absl::string_view kCallsPrefix = "replay/calls/";
inline constexpr absl::string_view kTimesPrefix = "replay/times/";
inline constexpr size_t kTimeDigits = 17;

inline std::string CallKey(absl::string_view digest) { return absl::StrCat(kCallsPrefix, digest); }

inline std::string TimeKey(int64_t time_us, absl::string_view digest) {
  return absl::StrFormat("%s%017d/%s", kTimesPrefix, time_us, digest);
}

}  // namespace sealward::replay

#endif  // SEALWARD_SERVER_REPLAY_LAYOUT_H_
