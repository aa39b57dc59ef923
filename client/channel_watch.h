// Private to client/: what becomes of a channel.
#ifndef SEALWARD_CLIENT_CHANNEL_WATCH_H_
#define SEALWARD_CLIENT_CHANNEL_WATCH_H_

#include <memory>

#include "client/metrics.h"
#include "grpcpp/channel.h"

namespace sealward::client {

// Tells `metrics` of each state that `channel` gets into, on a thread that all
// channels of the process share, until the channel goes. Does not keep it alive.
void WatchChannel(const std::shared_ptr<grpc::Channel>& channel, std::shared_ptr<Metrics> metrics);

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_CHANNEL_WATCH_H_
