#include "common/timer.h"

#include <utility>

#include "absl/time/clock.h"
#include "grpcpp/alarm.h"
#include "grpcpp/support/time.h"

namespace sealward {
namespace {

// GrpcTimer is a grpc::Alarm, whose callback form has the same contract.
class GrpcTimer final : public Timer {
 public:
  void Set(absl::Duration delay, absl::AnyInvocable<void()> callback) {
    // std::function wants something that can be copied.
    auto shared = std::make_shared<absl::AnyInvocable<void()>>(std::move(callback));
    alarm_.Set(absl::ToChronoTime(absl::Now() + delay),
               [shared](bool /*expired*/) { (*shared)(); });
  }
  void Cancel() override { alarm_.Cancel(); }

 private:
  grpc::Alarm alarm_;
};

class GrpcTimerFactory final : public TimerFactory {
 public:
  std::shared_ptr<Timer> Start(absl::Duration delay, absl::AnyInvocable<void()> callback) override {
    auto timer = std::make_shared<GrpcTimer>();
    timer->Set(delay, std::move(callback));
    return timer;
  }
};

}  // namespace

TimerFactory* GrpcTimers() {
  static auto* const factory = new GrpcTimerFactory;
  return factory;
}

}  // namespace sealward
