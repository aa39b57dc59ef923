// sealward.v1.ApprovalService.
#ifndef SEALWARD_SERVER_API_APPROVAL_SERVICE_H_
#define SEALWARD_SERVER_API_APPROVAL_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sealward/v1/approval_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"

namespace sealward::api {

// ApprovalService serves proto/sealward/v1/approval_service.proto on the admin
// listener. Thread-safe; no handler blocks gRPC's threads.
class ApprovalService final : public v1::ApprovalService::CallbackService {
 public:
  explicit ApprovalService(const Edge& edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* GetApproval(grpc::CallbackServerContext* context,
                                        const v1::GetApprovalRequest* request,
                                        v1::Approval* response) override;
  grpc::ServerUnaryReactor* ListApprovals(grpc::CallbackServerContext* context,
                                          const v1::ListApprovalsRequest* request,
                                          v1::ListApprovalsResponse* response) override;
  grpc::ServerUnaryReactor* ApproveRequest(grpc::CallbackServerContext* context,
                                           const v1::ApproveRequestRequest* request,
                                           v1::Approval* response) override;
  grpc::ServerUnaryReactor* RejectRequest(grpc::CallbackServerContext* context,
                                          const v1::RejectRequestRequest* request,
                                          v1::RejectRequestResponse* response) override;
  grpc::ServerUnaryReactor* GetApprovalPolicy(grpc::CallbackServerContext* context,
                                              const v1::GetApprovalPolicyRequest* request,
                                              v1::ApprovalPolicy* response) override;
  grpc::ServerUnaryReactor* UpdateApprovalPolicy(grpc::CallbackServerContext* context,
                                                 const v1::UpdateApprovalPolicyRequest* request,
                                                 v1::ApprovalPolicy* response) override;

 private:
  using ApprovalPtr = std::shared_ptr<const catalog::Approval>;

  // The approval that a request names, if the caller may do `act` with it.
  // Denied() for one that is not theirs and for one that is not there.
  enum class Act { kRead, kApprove, kReject };
  absl::StatusOr<ApprovalPtr> Find(const Caller& caller, const catalog::Snapshot& snapshot,
                                   const std::string& name, Act act) const;

  absl::StatusOr<v1::ListApprovalsResponse> List(const Caller& caller,
                                                 const v1::ListApprovalsRequest& request) const;
  absl::StatusOr<v1::Approval> Approve(const Caller& caller,
                                       const v1::ApproveRequestRequest& request) const;
  absl::StatusOr<v1::RejectRequestResponse> Reject(const Caller& caller,
                                                   const v1::RejectRequestRequest& request) const;
  absl::StatusOr<v1::ApprovalPolicy> UpdatePolicy(
      const Caller& caller, const v1::UpdateApprovalPolicyRequest& request) const;

  const Edge edge_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_APPROVAL_SERVICE_H_
