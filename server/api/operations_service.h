// sealward.v1.OperationsService.
#ifndef SEALWARD_SERVER_API_OPERATIONS_SERVICE_H_
#define SEALWARD_SERVER_API_OPERATIONS_SERVICE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sealward/v1/operations_service.grpc.pb.h"
#include "server/alarms/watch.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/lifecycle_clock.h"

namespace sealward::api {

// How far the time that a person states may be from the system's clock.
inline constexpr absl::Duration kConfirmTolerance = absl::Minutes(5);

// OperationsService serves proto/sealward/v1/operations_service.proto on the admin
// listener. Thread-safe; no handler blocks gRPC's threads.
class OperationsService final : public v1::OperationsService::CallbackService {
 public:
  // What it tells of and acts on; the pointers outlive it.
  struct Sources {
    const alarms::AlarmWatch* alarms = nullptr;
    lifecycle::LifecycleClock* clock = nullptr;
    lifecycle::Epochs* epochs = nullptr;
  };
  OperationsService(const Edge& edge, const Sources& sources) : edge_(edge), sources_(sources) {}

  grpc::ServerUnaryReactor* ListAlarms(grpc::CallbackServerContext* context,
                                       const v1::ListAlarmsRequest* request,
                                       v1::ListAlarmsResponse* response) override;
  grpc::ServerUnaryReactor* ConfirmClock(grpc::CallbackServerContext* context,
                                         const v1::ConfirmClockRequest* request,
                                         v1::ConfirmClockResponse* response) override;
  grpc::ServerUnaryReactor* RecoverPartition(grpc::CallbackServerContext* context,
                                             const v1::RecoverPartitionRequest* request,
                                             v1::RecoverPartitionResponse* response) override;

 private:
  absl::StatusOr<v1::ListAlarmsResponse> List(const Caller& caller,
                                              const v1::ListAlarmsRequest& request) const;
  absl::StatusOr<v1::ConfirmClockResponse> Confirm(const Caller& caller,
                                                   const v1::ConfirmClockRequest& request) const;
  absl::StatusOr<v1::RecoverPartitionResponse> Recover(
      const Caller& caller, const v1::RecoverPartitionRequest& request) const;

  const Edge edge_;
  const Sources sources_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_OPERATIONS_SERVICE_H_
