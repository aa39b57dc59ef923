// The caller of one RPC, what they may do, and the record of what they did.
#ifndef SEALWARD_SERVER_API_CALLER_H_
#define SEALWARD_SERVER_API_CALLER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/api/edge.h"
#include "server/auth/decision.h"
#include "server/auth/identity.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

// Caller is the peer of one RPC with an identity. Every refusal and every
// administrative act goes through it into Edge::decisions, once; services record
// nothing themselves. A call that is allowed to sign leaves no record here and
// costs nothing for it.
//
// Copyable; safe to use on another thread than it was made on, until the call is
// finished.
class Caller {
 public:
  // UNAUTHENTICATED as auth::IdentitySource and RESOURCE_EXHAUSTED as
  // auth::CallLimits, recorded.
  // REQUIRES: `edge` and `context` outlive the call.
  static absl::StatusOr<Caller> Of(const Edge& edge, const grpc::CallbackServerContext& context);

  const auth::Identity& identity() const { return *identity_; }
  const std::string& principal() const { return identity_->principal; }
  const std::string& request_id() const { return request_id_; }
  // When the caller stops waiting.
  absl::Time deadline() const { return deadline_; }

  // OK, or Denied() (denial.h). Call it before looking whether the resource exists,
  // and on nothing but the request's own words, so that a stranger takes the
  // same path either way. A refusal is counted, and recorded with its reason.
  absl::Status Authorize(const catalog::Snapshot& snapshot, const auth::Target& target,
                         auth::Verb verb, absl::string_view resource) const;

  // Denied(), counted and recorded with `reason`, a constant that the caller is
  // not told: for what must look as if there had been no role.
  absl::Status Refuse(auth::Verb verb, absl::string_view resource, absl::string_view reason) const;

  // Records how `verb` on `resource` ended, if that was a refusal that is not on
  // record yet: scope, claims, quota.
  void RecordRefusal(auth::Verb verb, absl::string_view resource, const absl::Status& status) const;

  // Makes the call an administrative act: what Authorize is asked from now on is
  // remembered for RecordAct. AnswerLater does both.
  void BeginAct();
  // Records how the act ended, unless Authorize has refused it. REQUIRES: BeginAct.
  void RecordAct(const absl::Status& status) const;
  // Makes `attempt` hear of every right that the act turns out to have, before Authorize
  // says so. REQUIRES: BeginAct; `attempt`, which may be null, outlives the act or is
  // replaced.
  void SetAttempt(replay::Attempt* attempt) const;
  // Whether something of that name, made at `create_time`, was made by an earlier attempt
  // at this very call, of which nobody saw the end.
  bool MadeBefore(absl::Time create_time) const;
  // Says that the act is a rehearsal (validate_only), so that its record does too.
  void NothingIsDone() const;

 private:
  struct Act;

  Caller(const Edge* edge, const grpc::CallbackServerContext* context,
         std::shared_ptr<const auth::Identity> identity);
  void Record(absl::string_view verb, absl::string_view resource, absl::StatusCode code,
              absl::string_view reason) const;

  const Edge* edge_;
  const grpc::CallbackServerContext* context_;
  std::shared_ptr<const auth::Identity> identity_;
  std::string request_id_;
  absl::Time deadline_;
  auth::CallLimits::Slot slot_;  // of this call, until its last copy is gone
  std::shared_ptr<Act> act_;     // null while signing
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_CALLER_H_
