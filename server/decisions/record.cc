#include "server/decisions/record.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/resource_name.h"

namespace sealward::decisions {
namespace {

// An id, a trust domain or a fingerprint is no longer.
bool CanBePart(absl::string_view part) {
  return part.size() <= kMaxResourceIdLength || IsValidTrustDomain(part);
}

}  // namespace

Outcome OutcomeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return Outcome::kAllowed;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return Outcome::kDenied;
    default:
      return Outcome::kFailed;
  }
}

absl::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAllowed:
      return "allowed";
    case Outcome::kDenied:
      return "denied";
    case Outcome::kFailed:
      return "failed";
  }
  return "failed";
}

std::string RecordedName(absl::string_view name) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(name.substr(0, kMaxRecordedName), '/')) {
    parts.push_back(CanBePart(part) ? absl::CHexEscape(part) : "(too long)");
  }
  return absl::StrJoin(parts, "/");
}

}  // namespace sealward::decisions
