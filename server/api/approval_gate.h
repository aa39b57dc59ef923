// Two persons: what lets a guarded change through.
#ifndef SEALWARD_SERVER_API_APPROVAL_GATE_H_
#define SEALWARD_SERVER_API_APPROVAL_GATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/auth/decision.h"
#include "server/catalog/snapshot.h"
#include "server/store/store.h"

namespace sealward::api {

// How long a request waits for its second person, and an approved one for its
// requester.
inline constexpr absl::Duration kApprovalLifetime = absl::Hours(24);
// How old the approver's role binding must be: a stolen admin certificate cannot
// make its own second person within a day.
inline constexpr absl::Duration kMinApproverAge = absl::Hours(24);
// Requests that wait, in all and of one principal.
inline constexpr size_t kMaxApprovals = 1000;
inline constexpr size_t kMaxApprovalsPerRequester = 32;
// Expired requests that one new request sweeps away.
inline constexpr size_t kMaxSweptApprovals = 64;

// GuardedRequest is a change that needs a second person where the policy says
// so, checked and resolved: `request` holds what will be done and nothing that is
// ignored, so that two requests that mean the same are the same. What it views
// outlives the call that it is given to.
struct GuardedRequest {
  absl::string_view method;    // sealward.v1.RoleBindingService/CreateRoleBinding
  absl::string_view resource;  // what it changes
  absl::string_view etag;      // of that, as it is now; empty for something new
  auth::Target target;         // what the right to do it is needed on
  auth::Verb verb;
  const google::protobuf::Message& request;
};

// Permit is what a change must carry into its transaction.
class Permit {
 public:
  Permit(int64_t policy_revision, std::shared_ptr<const catalog::Approval> approval)
      : policy_revision_(policy_revision), approval_(std::move(approval)) {}

  // Makes `transaction` use the approval up, if there is one, and fail (ABORTED)
  // if the policy has changed since.
  void AddTo(store::Transaction& transaction) const;

  // Who approved; empty where nobody had to.
  absl::string_view approver() const {
    return approval_ == nullptr ? absl::string_view() : absl::string_view(approval_->approver);
  }

 private:
  int64_t policy_revision_;
  std::shared_ptr<const catalog::Approval> approval_;
};

// Lets a change through that was authorized already. Where the policy of
// `snapshot` asks for two persons it takes an approval: same requester, method,
// content and etag, not expired, by a principal who still may approve. Without
// one it records the request and answers FAILED_PRECONDITION (APPROVAL_REQUIRED),
// naming the approval. RESOURCE_EXHAUSTED (TOO_MANY_APPROVALS). ABORTED where
// somebody else's commit came in between: decide again. Blocks on the store.
absl::StatusOr<Permit> Guard(const Edge& edge, const Caller& caller,
                             const catalog::Snapshot& snapshot, const GuardedRequest& guarded);

// Whether `principal` may approve `approval` at `now`: what the request needs, by
// a binding that is old enough; not whether they asked for it themselves.
auth::Decision MayApprove(const catalog::Snapshot& snapshot, absl::string_view principal,
                          const catalog::Approval& approval, absl::Time now);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_APPROVAL_GATE_H_
