#include "server/auth/call_limits.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/errors.h"

namespace sealward::auth {
namespace {

constexpr absl::Duration kRetryDelay = absl::Seconds(1);

absl::Status TooMany(absl::string_view reason, absl::string_view what, size_t limit) {
  return MakeRetryableError(
      absl::StatusCode::kResourceExhausted, reason,
      absl::StrCat("this principal has ", limit, " ", what, "; try again when some have ended"),
      kRetryDelay);
}

}  // namespace

CallLimits::Shard& CallLimits::ShardOf(absl::string_view principal) {
  return shards_[absl::HashOf(principal) % shards_.size()];
}

absl::StatusOr<CallLimits::Slot> CallLimits::Enter(absl::string_view principal,
                                                   absl::string_view peer) {
  Shard& shard = ShardOf(principal);
  {
    const absl::MutexLock lock(&shard.mu);
    Use& use = shard.principals[principal];
    if (use.calls >= limits_.calls) {
      return TooMany("TOO_MANY_CALLS", "calls under way", limits_.calls);
    }
    const auto known = use.connections.find(peer);
    if (known != use.connections.end()) {
      ++known->second;
    } else if (use.connections.size() >= limits_.connections) {
      return TooMany("TOO_MANY_CONNECTIONS", "connections with calls under way",
                     limits_.connections);
    } else {
      use.connections.emplace(peer, 1);
    }
    ++use.calls;
  }
  return Slot(nullptr, [this, who = std::string(principal),
                        where = std::string(peer)](const void*) { Leave(who, where); });
}

void CallLimits::Leave(const std::string& principal, const std::string& peer) {
  Shard& shard = ShardOf(principal);
  const absl::MutexLock lock(&shard.mu);
  const auto use = shard.principals.find(principal);
  if (use == shard.principals.end()) return;
  const auto connection = use->second.connections.find(peer);
  if (connection != use->second.connections.end() && --connection->second == 0) {
    use->second.connections.erase(connection);
  }
  if (--use->second.calls == 0) shard.principals.erase(use);
}

}  // namespace sealward::auth
