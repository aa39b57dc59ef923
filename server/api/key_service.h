// sealward.v1.KeyService.
#ifndef SEALWARD_SERVER_API_KEY_SERVICE_H_
#define SEALWARD_SERVER_API_KEY_SERVICE_H_

#include "absl/status/statusor.h"
#include "sealward/v1/key_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/lifecycle/key_manager.h"

namespace sealward::api {

// KeyService serves proto/sealward/v1/key_service.proto on the admin listener.
// Thread-safe; no handler blocks gRPC's threads. UpdateKey is in key_update.cc.
class KeyService final : public v1::KeyService::CallbackService {
 public:
  // REQUIRES: `manager` outlives it.
  KeyService(const Edge& edge, lifecycle::KeyManager* manager) : edge_(edge), manager_(manager) {}

  grpc::ServerUnaryReactor* CreateKey(grpc::CallbackServerContext* context,
                                      const v1::CreateKeyRequest* request,
                                      v1::Key* response) override;
  grpc::ServerUnaryReactor* GetKey(grpc::CallbackServerContext* context,
                                   const v1::GetKeyRequest* request, v1::Key* response) override;
  grpc::ServerUnaryReactor* ListKeys(grpc::CallbackServerContext* context,
                                     const v1::ListKeysRequest* request,
                                     v1::ListKeysResponse* response) override;
  grpc::ServerUnaryReactor* RotateKey(grpc::CallbackServerContext* context,
                                      const v1::RotateKeyRequest* request,
                                      v1::RotateKeyResponse* response) override;
  grpc::ServerUnaryReactor* UpdateKey(grpc::CallbackServerContext* context,
                                      const v1::UpdateKeyRequest* request,
                                      v1::Key* response) override;
  grpc::ServerUnaryReactor* GetKeyVersion(grpc::CallbackServerContext* context,
                                          const v1::GetKeyVersionRequest* request,
                                          v1::KeyVersion* response) override;
  grpc::ServerUnaryReactor* ListKeyVersions(grpc::CallbackServerContext* context,
                                            const v1::ListKeyVersionsRequest* request,
                                            v1::ListKeyVersionsResponse* response) override;

 private:
  absl::StatusOr<v1::Key> Create(const Caller& caller, const v1::CreateKeyRequest& request) const;
  absl::StatusOr<v1::Key> Get(const Caller& caller, const v1::GetKeyRequest& request) const;
  absl::StatusOr<v1::ListKeysResponse> List(const Caller& caller,
                                            const v1::ListKeysRequest& request) const;
  absl::StatusOr<v1::RotateKeyResponse> Rotate(const Caller& caller,
                                               const v1::RotateKeyRequest& request) const;
  absl::StatusOr<v1::Key> Update(const Caller& caller, const v1::UpdateKeyRequest& request) const;
  absl::StatusOr<v1::KeyVersion> GetVersion(const Caller& caller,
                                            const v1::GetKeyVersionRequest& request) const;
  absl::StatusOr<v1::ListKeyVersionsResponse> ListVersions(
      const Caller& caller, const v1::ListKeyVersionsRequest& request) const;
  v1::Key Preview(const catalog::Snapshot& snapshot, const lifecycle::NewKey& key) const;

  const Edge edge_;
  lifecycle::KeyManager* const manager_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_KEY_SERVICE_H_
