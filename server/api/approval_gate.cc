#include "server/api/approval_gate.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "google/protobuf/util/json_util.h"
#include "server/api/etag.h"
#include "server/catalog/access_mutations.h"
#include "server/catalog/layout.h"

namespace sealward::api {
namespace {

using ApprovalPtr = std::shared_ptr<const catalog::Approval>;

constexpr size_t kIdBytes = 8;  // of a digest, in an approval's id

// The request in JSON, always the same for the same content.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& request) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  const auto status = google::protobuf::util::MessageToJsonString(request, &json, options);
  if (!status.ok()) return absl::InternalError("a request has no JSON form");
  return json;
}

// What is approved: who asks is compared beside it.
std::string RequestDigest(const GuardedRequest& guarded, absl::string_view json) {
  return Digest({"approval", guarded.method, guarded.resource, guarded.etag, json});
}

absl::Status ApprovalRequired(const GuardedRequest& guarded, const catalog::Approval& approval) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "APPROVAL_REQUIRED",
      absl::StrCat(guarded.resource, ": this change needs a second person. ", approval.name,
                   " waits for one until ",
                   absl::FormatTime(approval.expire_time, absl::UTCTimeZone()),
                   ": have another principal with the right to make the change, granted more than "
                   "a day ago, run `sealward approvals approve ",
                   approval.name, "`; then send the same request again"));
}

absl::Status TooMany(absl::string_view whose) {
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_APPROVALS",
                   absl::StrCat("too many requests ", whose,
                                " wait for a second person; have some approved or rejected "
                                "(`sealward approvals list`)"));
}

// The requester's own request with that digest.
ApprovalPtr FindOwn(const catalog::Snapshot& snapshot, absl::string_view requester,
                    absl::string_view digest, absl::Time now) {
  for (const auto& [name, approval] : snapshot.approvals) {
    if (approval->requester == requester && approval->request_digest == digest &&
        approval->expire_time > now) {
      return approval;
    }
  }
  return nullptr;
}

absl::Status CheckRoom(const catalog::Snapshot& snapshot, absl::string_view requester,
                       absl::Time now) {
  size_t all = 0;
  size_t own = 0;
  for (const auto& [name, approval] : snapshot.approvals) {
    if (approval->expire_time <= now) continue;
    ++all;
    if (approval->requester == requester) ++own;
  }
  if (own >= kMaxApprovalsPerRequester) return TooMany("of this principal");
  return all >= kMaxApprovals ? TooMany("of all principals") : absl::OkStatus();
}

std::vector<const catalog::Approval*> Expired(const catalog::Snapshot& snapshot, absl::Time now) {
  std::vector<const catalog::Approval*> expired;
  for (const auto& [name, approval] : snapshot.approvals) {
    if (expired.size() == kMaxSweptApprovals) break;
    if (approval->expire_time <= now) expired.push_back(approval.get());
  }
  return expired;
}

catalog::Approval NewApproval(const Caller& caller, const GuardedRequest& guarded, std::string json,
                              std::string digest, absl::Time now) {
  catalog::Approval approval;
  approval.method = std::string(guarded.method);
  approval.resource = std::string(guarded.resource);
  approval.request_json = std::move(json);
  approval.requester = caller.principal();
  approval.tenant = std::string(guarded.target.tenant);
  approval.key = std::string(guarded.target.key);
  approval.verb = std::string(auth::VerbName(guarded.verb));
  approval.create_time = now;
  approval.expire_time = now + kApprovalLifetime;
  // Unique by content, requester and time; ids start with a letter.
  const std::string id =
      Digest({digest, approval.requester, absl::StrCat(absl::ToUnixMicros(now))});
  approval.name = absl::StrCat("approvals/a", absl::BytesToHexString(id.substr(0, kIdBytes)));
  approval.request_digest = std::move(digest);
  return approval;
}

}  // namespace

void Permit::AddTo(store::Transaction& transaction) const {
  const std::string policy = catalog::ApprovalPolicyRecordKey();
  const bool compared = std::ranges::any_of(
      transaction.compares, [&policy](const store::Compare& c) { return c.key == policy; });
  if (!compared) transaction.compares.push_back({policy, policy_revision_});
  if (approval_ != nullptr) catalog::ConsumeApproval(*approval_, transaction);
}

auth::Decision MayApprove(const catalog::Snapshot& snapshot, absl::string_view principal,
                          const catalog::Approval& approval, absl::Time now) {
  const auto verb = auth::FindVerb(approval.verb);
  if (!verb) return {false, "the request needs a verb that this server does not know"};
  return auth::Decide(snapshot, principal, auth::Target{approval.tenant, approval.key}, *verb,
                      now - kMinApproverAge);
}

absl::StatusOr<Permit> Guard(const Edge& edge, const Caller& caller,
                             const catalog::Snapshot& snapshot, const GuardedRequest& guarded) {
  const int64_t policy_revision = snapshot.approval_policy.mod_revision;
  if (!snapshot.approval_policy.two_persons) return Permit(policy_revision, nullptr);
  auto json = ToJson(guarded.request);
  if (!json.ok()) return json.status();
  std::string digest = RequestDigest(guarded, *json);
  const absl::Time now = edge.Now();
  if (const ApprovalPtr own = FindOwn(snapshot, caller.principal(), digest, now)) {
    const bool approved = !own->approver.empty() && own->approver != own->requester &&
                          MayApprove(snapshot, own->approver, *own, now).allowed;
    if (!approved) return ApprovalRequired(guarded, *own);
    return Permit(policy_revision, own);
  }
  if (absl::Status room = CheckRoom(snapshot, caller.principal(), now); !room.ok()) return room;
  const catalog::Approval approval =
      NewApproval(caller, guarded, *std::move(json), std::move(digest), now);
  const auto recorded = edge.Commit(catalog::CreateApproval(approval, Expired(snapshot, now)));
  if (!recorded.ok()) return recorded.status();
  return ApprovalRequired(guarded, approval);
}

}  // namespace sealward::api
