// sealward approvals list|get|approve|reject|policy|set-policy
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "sealward/v1/approval_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::ApprovalService;

struct Flags {
  std::string approval;
  std::string etag;
  std::string two_persons;
};

std::string StateText(v1::Approval::State state) {
  return state == v1::Approval::APPROVED ? "approved" : "waits";
}

std::string Text(const v1::Approval& approval) {
  Fields fields;
  fields.Add("Name", approval.name());
  fields.Add("State", StateText(approval.state()));
  fields.Add("Method", approval.method());
  fields.Add("Resource", approval.resource());
  fields.Add("Request", approval.request_json());
  fields.Add("Requester", approval.requester());
  fields.Add("Asked", FormatTime(approval.has_create_time(), approval.create_time()));
  fields.Add("Expires", FormatTime(approval.has_expire_time(), approval.expire_time()));
  fields.Add("Approver", approval.approver());
  fields.Add("Approved", FormatTime(approval.has_approve_time(), approval.approve_time()));
  fields.Add("Etag", approval.etag());
  return fields.ToString();
}

std::string Text(const v1::ApprovalPolicy& policy) {
  Fields fields;
  fields.Add("Two persons", policy.two_persons() ? "on" : "off");
  fields.Add("Etag", policy.etag());
  return fields.ToString();
}

absl::StatusOr<v1::Approval> Read(Session& session, const ApprovalName& name) {
  v1::GetApprovalRequest request;
  request.set_name(name.ToString());
  return session.Call<Service>(&Service::Stub::GetApproval, request);
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = ExpandApproval(flags.approval);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto approval = Read(session, *name);
  if (approval.ok()) session.Print(*approval, Text(*approval));
  return approval.status();
}

// Without --etag: what is there now, which is printed with the answer.
absl::Status Approve(Session& session, const Flags& flags) {
  auto name = ExpandApproval(flags.approval);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::ApproveRequestRequest request;
  request.set_name(name->ToString());
  request.set_etag(flags.etag);
  if (flags.etag.empty()) {
    auto approval = Read(session, *name);
    if (!approval.ok()) return approval.status();
    request.set_etag(approval->etag());
  }
  auto approved = session.Call<Service>(&Service::Stub::ApproveRequest, request);
  if (approved.ok()) session.Print(*approved, Text(*approved));
  return approved.status();
}

absl::Status Reject(Session& session, const Flags& flags) {
  auto name = ExpandApproval(flags.approval);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::RejectRequestRequest request;
  request.set_name(name->ToString());
  auto done = session.Call<Service>(&Service::Stub::RejectRequest, request);
  if (done.ok()) session.Print(*done, absl::StrCat("rejected ", name->ToString(), "\n"));
  return done.status();
}

absl::Status List(Session& session) {
  auto all = ListAll<Service>(session, &Service::Stub::ListApprovals, v1::ListApprovalsRequest(),
                              [](v1::ListApprovalsResponse& page, v1::ListApprovalsResponse& sum) {
                                sum.mutable_approvals()->MergeFrom(page.approvals());
                              });
  if (!all.ok()) return all.status();
  Table table({"NAME", "STATE", "RESOURCE", "REQUESTER", "EXPIRES"});
  for (const auto& approval : all->approvals()) {
    table.Add({approval.name(), StateText(approval.state()), approval.resource(),
               approval.requester(),
               FormatTime(approval.has_expire_time(), approval.expire_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

absl::Status GetPolicy(Session& session) {
  session.SetSubject(std::string(kApprovalPolicyName));
  auto policy =
      session.Call<Service>(&Service::Stub::GetApprovalPolicy, v1::GetApprovalPolicyRequest());
  if (policy.ok()) session.Print(*policy, Text(*policy));
  return policy.status();
}

absl::Status SetPolicy(Session& session, const Flags& flags) {
  session.SetSubject(std::string(kApprovalPolicyName));
  if (flags.two_persons != "on" && flags.two_persons != "off") {
    return UsageError(
        absl::StrCat("--two-persons: \"", flags.two_persons, "\" is neither on nor off"));
  }
  v1::UpdateApprovalPolicyRequest request;
  request.mutable_approval_policy()->set_two_persons(flags.two_persons == "on");
  request.mutable_approval_policy()->set_etag(flags.etag);
  auto policy = session.Call<Service>(&Service::Stub::UpdateApprovalPolicy, request);
  if (policy.ok()) session.Print(*policy, Text(*policy));
  return policy.status();
}

void AddRequestCommands(CLI::App& group, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  const std::string approval = "a0123456789abcdef, or the full name";
  AddCommand(group, chosen, "list", "List what waits for a second person",
             "Shows what you asked for, may approve or may audit.\n\n"
             "Example:\n  sealward approvals list",
             [](Session& session) { return List(session); });
  CLI::App* get =
      AddCommand(group, chosen, "get", "Show a request as it would be carried out",
                 "For its requester, for auditors, and for those who may approve it.\n\n"
                 "Example:\n  sealward approvals get a0123456789abcdef",
                 [flags](Session& session) { return Get(session, *flags); });
  get->add_option("APPROVAL", flags->approval, approval)->required();
  CLI::App* approve =
      AddCommand(group, chosen, "approve", "Be the second person",
                 "Needs what the request itself needs, by a role binding that is a day old, and\n"
                 "another principal than the requester's. The requester then sends the same\n"
                 "request again.\n\nExample:\n  sealward approvals approve a0123456789abcdef",
                 [flags](Session& session) { return Approve(session, *flags); });
  approve->add_option("APPROVAL", flags->approval, approval)->required();
  approve->add_option("--etag", flags->etag, "Only if it still has this etag");
  CLI::App* reject = AddCommand(group, chosen, "reject", "Drop a request, approved or not",
                                "For its requester and for those who may approve it.\n\n"
                                "Example:\n  sealward approvals reject a0123456789abcdef",
                                [flags](Session& session) { return Reject(session, *flags); });
  reject->add_option("APPROVAL", flags->approval, approval)->required();
}

}  // namespace

void AddApprovalCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "approvals", "Approvals: changes that need two persons");
  AddRequestCommands(*group, chosen, flags);
  AddCommand(*group, chosen, "policy", "Show whether two persons are needed",
             "Needs the role admin or auditor on the service.\n\n"
             "Example:\n  sealward approvals policy",
             [](Session& session) { return GetPolicy(session); });
  CLI::App* set = AddCommand(
      *group, chosen, "set-policy", "Ask for two persons, or no longer",
      "Needs the role admin on the service. With two persons, changes of role bindings,\n"
      "trust domains and this policy wait for another principal's approval; there must be\n"
      "two service admins.\n\nExample:\n  sealward approvals set-policy --two-persons on",
      [flags](Session& session) { return SetPolicy(session, *flags); });
  set->add_option("--two-persons", flags->two_persons, "on or off")->required();
  set->add_option("--etag", flags->etag, "Only if the policy still has this etag");
}

}  // namespace sealward::client::cli
