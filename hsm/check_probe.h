// The part of sealward-hsm check that changes a partition for a moment.
#ifndef SEALWARD_HSM_CHECK_PROBE_H_
#define SEALWARD_HSM_CHECK_PROBE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/resource_name.h"
#include "hsm/check_report.h"
#include "hsm/open_partition.h"

namespace sealward::hsm {

// The key that the labels of a check's pairs name: what a check that was killed leaves
// behind says whose it is. As long as a key's name gets, because a module may cut labels off.
inline constexpr absl::string_view kCheckKey =
    "tenants/sealward-hsm-check-has-names-that-are-as-long-as-names-can-be-1"
    "/keys/sealward-hsm-check-has-names-that-are-as-long-as-names-can-be-1";
static_assert(kCheckKey.size() == 2 * kMaxResourceIdLength + sizeof("tenants//keys/") - 1);

// Sessions that sign at once where it is measured what several bring, and for how long.
inline constexpr size_t kCheckSessions = 16;
inline constexpr absl::Duration kRateDuration = absl::Milliseconds(300);

// Makes, by the code that serves, a pair of each kind of key that the partition offers,
// signs with each algorithm that it is good for, and destroys it again; tries what some HSMs do not
// have, and measures rates with the first pair. Fills in the report's algorithms, findings, rates
// and acts. Once the HSM is gone nothing more is tried, and no pair is destroyed. Errors are only
// those that leave nothing to report, and exit code 77 (PIN_REFUSED) where a function objected to
// the PIN, which is latched.
absl::Status Probe(OpenPartition& partition, CheckReport& report);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CHECK_PROBE_H_
