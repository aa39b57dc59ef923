#include "server/api/caller.h"

#include <utility>

#include "common/errors.h"
#include "grpc/grpc_security_constants.h"
#include "server/api/denial.h"
#include "server/api/request_id.h"
#include "server/auth/certificate.h"
#include "server/decisions/record.h"

namespace sealward::api {
namespace {

// What stands for a verb where the caller had no principal to ask for one.
constexpr absl::string_view kAuthenticate = "authenticate";

// Of whoever was not let in: which certificate was it? Empty where there is none.
std::string ShownFingerprint(const grpc::AuthContext& context) {
  const auto values = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (values.empty()) return "";
  const auto certificate =
      auth::ParseCertificate(absl::string_view(values.front().data(), values.front().size()));
  return certificate == nullptr ? "" : auth::Fingerprint(certificate.get());
}

}  // namespace

// What an administrative call was authorized for.
struct Caller::Act {
  absl::string_view verb;  // empty where it did not come to that
  std::string resource;
  absl::string_view allowed_by;
  bool refused = false;
  bool rehearsal = false;
  replay::Attempt* attempt = nullptr;  // of a call with a request_id
};

Caller::Caller(const Edge* edge, const grpc::CallbackServerContext* context,
               std::shared_ptr<const auth::Identity> identity)
    : edge_(edge),
      context_(context),
      identity_(std::move(identity)),
      request_id_(NewRequestId()),
      deadline_(absl::FromChrono(context->deadline())) {}

absl::StatusOr<Caller> Caller::Of(const Edge& edge, const grpc::CallbackServerContext& context) {
  auto identity = edge.identities->Read(*context.auth_context());
  if (identity.ok()) {
    Caller caller(&edge, &context, *std::move(identity));
    if (edge.calls == nullptr) return caller;
    auto slot = edge.calls->Enter(caller.principal(), context.peer());
    if (slot.ok()) {
      caller.slot_ = *std::move(slot);
      return caller;
    }
    edge.metrics->CountDenied(kAuthenticate);
    caller.Record(kAuthenticate, "", slot.status().code(), ErrorReason(slot.status()));
    return slot.status();
  }
  edge.metrics->CountDenied(kAuthenticate);
  auth::Identity shown;
  shown.fingerprint = ShownFingerprint(*context.auth_context());
  const Caller nobody(&edge, &context, std::make_shared<const auth::Identity>(std::move(shown)));
  nobody.Record(kAuthenticate, "", identity.status().code(), ErrorReason(identity.status()));
  return identity.status();
}

absl::Status Caller::Authorize(const catalog::Snapshot& snapshot, const auth::Target& target,
                               auth::Verb verb, absl::string_view resource) const {
  const auth::Decision decision = auth::Decide(snapshot, principal(), target, verb);
  if (act_ != nullptr) {
    *act_ = {auth::VerbName(verb), std::string(resource), decision.reason,
             !decision.allowed,    act_->rehearsal,       act_->attempt};
  }
  if (!decision.allowed) return Refuse(verb, resource, decision.reason);
  if (act_ == nullptr || act_->attempt == nullptr) return absl::OkStatus();
  replay::Permission permission;
  permission.set_tenant(std::string(target.tenant));
  permission.set_key(std::string(target.key));
  permission.set_verb(std::string(auth::VerbName(verb)));
  permission.set_resource(std::string(resource));
  return act_->attempt->Allowed(permission);
}

absl::Status Caller::Refuse(auth::Verb verb, absl::string_view resource,
                            absl::string_view reason) const {
  edge_->metrics->CountDenied(auth::VerbName(verb));
  Record(auth::VerbName(verb), resource, absl::StatusCode::kPermissionDenied, reason);
  return Denied();
}

void Caller::RecordRefusal(auth::Verb verb, absl::string_view resource,
                           const absl::Status& status) const {
  if (absl::IsPermissionDenied(status)) return;  // by Refuse
  if (decisions::OutcomeOf(status.code()) != decisions::Outcome::kDenied) return;
  Record(auth::VerbName(verb), resource, status.code(), ErrorReason(status));
}

void Caller::BeginAct() { act_ = std::make_shared<Act>(); }

void Caller::RecordAct(const absl::Status& status) const {
  if (act_->refused) return;
  const std::string error = ErrorReason(status);
  absl::string_view reason = error;
  if (status.ok()) reason = act_->rehearsal ? "validate_only" : act_->allowed_by;
  Record(act_->verb, act_->resource, status.code(), reason);
}

void Caller::SetAttempt(replay::Attempt* attempt) const { act_->attempt = attempt; }

bool Caller::MadeBefore(absl::Time create_time) const {
  if (act_ == nullptr || act_->attempt == nullptr) return false;
  const auto begun = act_->attempt->begun_before();
  return begun && create_time >= *begun;
}

void Caller::NothingIsDone() const {
  if (act_ != nullptr) act_->rehearsal = true;
}

void Caller::Record(absl::string_view verb, absl::string_view resource, absl::StatusCode code,
                    absl::string_view reason) const {
  const std::string peer = context_->peer();
  const std::string name = decisions::RecordedName(resource);
  decisions::DecisionRecord record;
  record.time = edge_->clock->Now();
  record.outcome = decisions::OutcomeOf(code);
  record.code = code;
  record.principal = principal();
  record.peer = peer;
  record.certificate = identity_->fingerprint;
  record.verb = verb;
  record.resource = name;
  record.reason = reason;
  record.request_id = request_id_;
  edge_->decisions->Record(record);
}

}  // namespace sealward::api
