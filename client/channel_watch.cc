#include "client/channel_watch.h"

#include <grpc/support/time.h>

#include <thread>
#include <utility>

#include "grpcpp/completion_queue.h"

namespace sealward::client {
namespace {

// Watch is one channel, and the tag of its next change.
struct Watch {
  std::weak_ptr<grpc::Channel> channel;
  std::shared_ptr<Metrics> metrics;
  grpc_connectivity_state state;
};

ConnectionState StateOf(grpc_connectivity_state state) {
  switch (state) {
    case GRPC_CHANNEL_CONNECTING:
      return ConnectionState::kConnecting;
    case GRPC_CHANNEL_READY:
      return ConnectionState::kReady;
    case GRPC_CHANNEL_TRANSIENT_FAILURE:
      return ConnectionState::kFailed;
    case GRPC_CHANNEL_IDLE:
    case GRPC_CHANNEL_SHUTDOWN:
      break;
  }
  return ConnectionState::kIdle;
}

// Watcher waits for changes. gRPC has no callback for them, only a queue. Never
// destroyed.
class Watcher {
 public:
  static Watcher& Instance() {
    static auto* const watcher = new Watcher;
    return *watcher;
  }

  void Add(const std::shared_ptr<grpc::Channel>& channel, std::shared_ptr<Metrics> metrics) {
    Expect(channel.get(),
           std::make_unique<Watch>(Watch{channel, std::move(metrics), channel->GetState(false)}));
  }

 private:
  Watcher() {
    std::thread([this] { Run(); }).detach();
  }

  // The queue owns the watch until its change comes; the end of a channel is one.
  void Expect(grpc::Channel* channel, std::unique_ptr<Watch> watch) {
    const grpc_connectivity_state state = watch->state;
    channel->NotifyOnStateChange(state, gpr_inf_future(GPR_CLOCK_REALTIME), &queue_,
                                 watch.release());
  }

  void Run() {
    void* tag = nullptr;
    bool changed = false;
    while (queue_.Next(&tag, &changed)) {
      std::unique_ptr<Watch> watch(static_cast<Watch*>(tag));
      const auto channel = watch->channel.lock();
      if (channel == nullptr) continue;
      const grpc_connectivity_state state = channel->GetState(false);
      if (std::exchange(watch->state, state) != state) watch->metrics->OnConnection(StateOf(state));
      Expect(channel.get(), std::move(watch));
    }
  }

  grpc::CompletionQueue queue_;
};

}  // namespace

void WatchChannel(const std::shared_ptr<grpc::Channel>& channel, std::shared_ptr<Metrics> metrics) {
  Watcher::Instance().Add(channel, std::move(metrics));
}

}  // namespace sealward::client
