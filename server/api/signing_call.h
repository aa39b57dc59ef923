// What one signing RPC and all its signatures share.
#ifndef SEALWARD_SERVER_API_SIGNING_CALL_H_
#define SEALWARD_SERVER_API_SIGNING_CALL_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/auth/decision.h"
#include "server/quota/limiter.h"

namespace sealward::api {

// A request without a deadline of its own gets this one.
inline constexpr absl::Duration kDefaultDeadline = absl::Seconds(30);

// SigningCall is who asks, and what the catalog was when they did. Thread-safe.
class SigningCall {
 public:
  SigningCall(const Edge& edge, telemetry::SignMethod method, Caller caller)
      : edge_(edge),
        method_(method),
        caller_(std::move(caller)),
        now_(edge.clock->Now()),
        snapshot_(edge.catalog->Get()) {}

  absl::Time now() const { return now_; }
  absl::Time deadline() const { return std::min(caller_.deadline(), now_ + kDefaultDeadline); }
  const std::string& request_id() const { return caller_.request_id(); }

  // The key, if the caller may do `verb` with it. The call keeps it alive.
  absl::StatusOr<const catalog::Key*> Authorize(const std::string& key, auth::Verb verb) const;

  // Counts one signature against the quotas. Before anything is read of what is to be
  // signed, so that a refusal is cheap.
  quota::Admission Admit(const catalog::Key& key, quota::Limiter& limiter) const {
    return limiter.Admit(*snapshot_, key, now_);
  }

  // Counts how one signature ended, and records it where the server refused.
  void Ended(const absl::Status& status, const catalog::Key* key) const;
  void ObserveEnd() const { edge_.metrics->ObserveSign(method_, edge_.clock->Now() - now_); }

 private:
  const Edge& edge_;
  const telemetry::SignMethod method_;
  const Caller caller_;
  const absl::Time now_;
  const std::shared_ptr<const catalog::Snapshot> snapshot_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_SIGNING_CALL_H_
