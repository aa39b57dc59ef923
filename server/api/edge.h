// What every service of the API stands on.
#ifndef SEALWARD_SERVER_API_EDGE_H_
#define SEALWARD_SERVER_API_EDGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/errors.h"
#include "server/api/executor.h"
#include "server/auth/call_limits.h"
#include "server/auth/identity.h"
#include "server/catalog/catalog.h"
#include "server/decisions/record.h"
#include "server/lifecycle/resource_errors.h"
#include "server/replay/replay_log.h"
#include "server/telemetry/metrics.h"

namespace sealward::api {

// Edge is handed to each service's constructor and copied. Everything that it
// points to outlives the services, and those outlive the grpc::Server.
struct Edge {
  catalog::Catalog* catalog = nullptr;
  const Clock* clock = nullptr;
  Executor* executor = nullptr;
  auth::IdentitySource* identities = nullptr;
  telemetry::Metrics* metrics = nullptr;
  decisions::DecisionSink* decisions = nullptr;  // told by Caller alone
  auth::CallLimits* calls = nullptr;             // asked by Caller alone; null for none
  // What stored times are compared with (server/lifecycle/lifecycle_clock.h); null for
  // `clock`, which is the system's.
  const Clock* lifecycle = nullptr;
  // Of calls with a request_id (replayed_call.h); null where none is remembered.
  replay::ReplayLog* replay = nullptr;

  // catalog->Commit, counted; the revision. After ABORTED the snapshot shows the
  // change that came first, so that the next decision is a new one. Blocks.
  absl::StatusOr<int64_t> Commit(const store::Transaction& transaction) const {
    auto revision = catalog->Commit(transaction);
    metrics->CountStoreCommit(revision.status().code());
    if (!absl::IsAborted(revision.status())) return revision;
    if (absl::Status s = catalog->CatchUp(); !s.ok()) return s;
    return revision;
  }

  // Lifecycle time in whole microseconds, as the store keeps it.
  absl::Time Now() const {
    const Clock& of = lifecycle == nullptr ? *clock : *lifecycle;
    return absl::FromUnixMicros(absl::ToUnixMicros(of.Now()));
  }
};

// How often a change is decided again after somebody else's came first.
inline constexpr int kMaxDecisions = 5;

// Calls `decide`, which reads a snapshot, decides and commits, again while
// somebody else's commit comes in between. An etag that does not match is final.
template <typename Decide>
auto DecideAgain(Decide decide) -> decltype(decide()) {
  for (int i = 0; i < kMaxDecisions; ++i) {
    auto outcome = decide();
    if (!absl::IsAborted(outcome.status()) || ErrorReason(outcome.status()) == kEtagMismatch) {
      return outcome;
    }
  }
  return ConcurrentChange();
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_EDGE_H_
