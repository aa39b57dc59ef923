// sealward.v1.StatusService.
#ifndef SEALWARD_SERVER_API_STATUS_SERVICE_H_
#define SEALWARD_SERVER_API_STATUS_SERVICE_H_

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sealward/v1/status_service.grpc.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/reconcile.h"

namespace sealward::api {

// StatusService serves proto/sealward/v1/status_service.proto on the admin
// listener. Thread-safe; no handler blocks.
class StatusService final : public v1::StatusService::CallbackService {
 public:
  // What it tells of; the pointers outlive it.
  struct Sources {
    std::string server_version;
    absl::Time start_time;
    const hsm_client::Partitions* partitions = nullptr;
    const lifecycle::Withheld* withheld = nullptr;
    const lifecycle::Epochs* epochs = nullptr;
    // What of a partition with these processes the server could read; empty for nothing.
    std::function<std::string(const std::string& partition, std::span<const pid_t> pids)> exposure =
        [](const std::string&, std::span<const pid_t>) { return std::string(); };
  };
  StatusService(const Edge& edge, Sources sources) : edge_(edge), sources_(std::move(sources)) {}

  grpc::ServerUnaryReactor* GetServiceStatus(grpc::CallbackServerContext* context,
                                             const v1::GetServiceStatusRequest* request,
                                             v1::GetServiceStatusResponse* response) override;

 private:
  absl::StatusOr<v1::GetServiceStatusResponse> Get(const Caller& caller) const;

  const Edge edge_;
  const Sources sources_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_STATUS_SERVICE_H_
