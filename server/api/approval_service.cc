#include "server/api/approval_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/catalog/access_mutations.h"

namespace sealward::api {
namespace {

constexpr absl::string_view kCollection = "approvals";

// What the request behind an approval needs. A verb of a later version: what only
// an admin has.
auth::Verb VerbOf(const catalog::Approval& approval) {
  return auth::FindVerb(approval.verb).value_or(auth::Verb::kManageApprovalPolicy);
}

auth::Target TargetOf(const catalog::Approval& approval) { return {approval.tenant, approval.key}; }

bool MayRead(const catalog::Snapshot& snapshot, absl::string_view principal,
             const catalog::Approval& approval) {
  const auto may = [&](auth::Verb verb) {
    return auth::Decide(snapshot, principal, TargetOf(approval), verb).allowed;
  };
  return approval.requester == principal || may(auth::Verb::kReadApprovals) ||
         may(VerbOf(approval));
}

absl::Status Refused(absl::string_view reason, const catalog::Approval& approval,
                     absl::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                   absl::StrCat(approval.name, ": ", what));
}

// Whether the caller is the second person that the request waits for.
absl::Status CheckSecondPerson(const catalog::Snapshot& snapshot, const Caller& caller,
                               const catalog::Approval& approval, absl::Time now) {
  if (approval.requester == caller.principal()) {
    return Refused("OWN_REQUEST", approval,
                   "you asked for it yourself; another principal must approve it");
  }
  if (!approval.approver.empty()) {
    return Refused("ALREADY_APPROVED", approval,
                   absl::StrCat("it is approved; its requester, ", approval.requester,
                                ", can send the request again"));
  }
  if (!MayApprove(snapshot, caller.principal(), approval, now).allowed) {
    return Refused("BINDING_TOO_NEW", approval,
                   "your role binding is not a day old yet; an older one must approve it");
  }
  return absl::OkStatus();
}

v1::ApprovalPolicy PolicyMessage(const catalog::ApprovalPolicy& policy) {
  v1::ApprovalPolicy message;
  message.set_name(std::string(kApprovalPolicyName));
  message.set_two_persons(policy.two_persons);
  message.set_etag(Etag(kApprovalPolicyName, policy.mod_revision));
  return message;
}

}  // namespace

grpc::ServerUnaryReactor* ApprovalService::GetApproval(grpc::CallbackServerContext* context,
                                                       const v1::GetApprovalRequest* request,
                                                       v1::Approval* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) -> absl::StatusOr<v1::Approval> {
                     const auto snapshot = edge_.catalog->Get();
                     const auto found = Find(caller, *snapshot, request->name(), Act::kRead);
                     if (!found.ok()) return found.status();
                     return ToMessage(**found);
                   });
}

grpc::ServerUnaryReactor* ApprovalService::ListApprovals(grpc::CallbackServerContext* context,
                                                         const v1::ListApprovalsRequest* request,
                                                         v1::ListApprovalsResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

grpc::ServerUnaryReactor* ApprovalService::ApproveRequest(grpc::CallbackServerContext* context,
                                                          const v1::ApproveRequestRequest* request,
                                                          v1::Approval* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Approve(caller, *request); });
  });
}

grpc::ServerUnaryReactor* ApprovalService::RejectRequest(grpc::CallbackServerContext* context,
                                                         const v1::RejectRequestRequest* request,
                                                         v1::RejectRequestResponse* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Reject(caller, *request); });
  });
}

grpc::ServerUnaryReactor* ApprovalService::GetApprovalPolicy(
    grpc::CallbackServerContext* context, const v1::GetApprovalPolicyRequest* /*request*/,
    v1::ApprovalPolicy* response) {
  return AnswerNow(
      edge_, context, response, [this](const Caller& caller) -> absl::StatusOr<v1::ApprovalPolicy> {
        const auto snapshot = edge_.catalog->Get();
        absl::Status allowed = caller.Authorize(
            *snapshot, auth::Target{}, auth::Verb::kReadApprovalPolicy, kApprovalPolicyName);
        if (!allowed.ok()) return allowed;
        return PolicyMessage(snapshot->approval_policy);
      });
}

grpc::ServerUnaryReactor* ApprovalService::UpdateApprovalPolicy(
    grpc::CallbackServerContext* context, const v1::UpdateApprovalPolicyRequest* request,
    v1::ApprovalPolicy* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return UpdatePolicy(caller, *request); });
  });
}

absl::StatusOr<ApprovalService::ApprovalPtr> ApprovalService::Find(
    const Caller& caller, const catalog::Snapshot& snapshot, const std::string& name,
    Act act) const {
  if (const auto parsed = ApprovalName::Parse(name); !parsed.ok()) return parsed.status();
  const auto found = snapshot.approvals.find(name);
  if (found == snapshot.approvals.end() || found->second->expire_time <= edge_.Now()) {
    absl::Status allowed =
        caller.Authorize(snapshot, auth::Target{}, auth::Verb::kReadApprovals, name);
    return allowed.ok() ? ResourceNotFound(name) : allowed;
  }
  const ApprovalPtr& approval = found->second;
  if (act == Act::kRead && MayRead(snapshot, caller.principal(), *approval)) return approval;
  if (act == Act::kReject && approval->requester == caller.principal()) return approval;
  absl::Status allowed = caller.Authorize(snapshot, TargetOf(*approval), VerbOf(*approval), name);
  if (!allowed.ok()) return allowed;
  return approval;
}

absl::StatusOr<v1::ListApprovalsResponse> ApprovalService::List(
    const Caller& caller, const v1::ListApprovalsRequest& request) const {
  const auto page = ParsePageRequest(kCollection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto snapshot = edge_.catalog->Get();
  const absl::Time now = edge_.Now();
  std::vector<ApprovalPtr> readable;
  for (const auto& [name, approval] : snapshot->approvals) {
    if (approval->expire_time > now && MayRead(*snapshot, caller.principal(), *approval)) {
      readable.push_back(approval);
    }
  }
  const auto taken = TakePage(std::move(readable), kCollection, *page);
  v1::ListApprovalsResponse response;
  for (const auto& approval : taken.items) *response.add_approvals() = ToMessage(*approval);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

absl::StatusOr<v1::Approval> ApprovalService::Approve(
    const Caller& caller, const v1::ApproveRequestRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  const auto found = Find(caller, *snapshot, request.name(), Act::kApprove);
  if (!found.ok()) return found.status();
  if (request.etag() != Etag((*found)->name, (*found)->mod_revision)) {
    return EtagMismatch(request.name());
  }
  const absl::Time now = edge_.Now();
  absl::Status second = CheckSecondPerson(*snapshot, caller, **found, now);
  if (!second.ok()) return second;
  catalog::Approval next = **found;
  next.approver = caller.principal();
  next.approve_time = now;
  const auto revision = edge_.Commit(catalog::UpdateApproval(**found, next));
  if (!revision.ok()) return revision.status();
  next.mod_revision = *revision;
  return ToMessage(next);
}

absl::StatusOr<v1::RejectRequestResponse> ApprovalService::Reject(
    const Caller& caller, const v1::RejectRequestRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  const auto found = Find(caller, *snapshot, request.name(), Act::kReject);
  if (!found.ok()) return found.status();
  const auto revision = edge_.Commit(catalog::DeleteApproval(**found));
  if (!revision.ok()) return revision.status();
  return v1::RejectRequestResponse();
}

absl::StatusOr<v1::ApprovalPolicy> ApprovalService::UpdatePolicy(
    const Caller& caller, const v1::UpdateApprovalPolicyRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  absl::Status allowed = caller.Authorize(*snapshot, auth::Target{},
                                          auth::Verb::kManageApprovalPolicy, kApprovalPolicyName);
  if (!allowed.ok()) return allowed;
  const std::string etag = Etag(kApprovalPolicyName, snapshot->approval_policy.mod_revision);
  if (!request.approval_policy().etag().empty() && request.approval_policy().etag() != etag) {
    return EtagMismatch(kApprovalPolicyName);
  }
  catalog::ApprovalPolicy next{request.approval_policy().two_persons(), 0};
  auto transaction = catalog::UpdateApprovalPolicy(*snapshot, next);
  if (!transaction.ok()) return transaction.status();
  v1::UpdateApprovalPolicyRequest resolved;
  resolved.mutable_approval_policy()->set_two_persons(next.two_persons);
  const auto permit =
      Guard(edge_, caller, *snapshot,
            {"sealward.v1.ApprovalService/UpdateApprovalPolicy", kApprovalPolicyName, etag,
             auth::Target{}, auth::Verb::kManageApprovalPolicy, resolved});
  if (!permit.ok()) return permit.status();
  permit->AddTo(*transaction);
  const auto revision = edge_.Commit(*transaction);
  if (!revision.ok()) return revision.status();
  next.mod_revision = *revision;
  return PolicyMessage(next);
}

}  // namespace sealward::api
