// gRPC's own messages, in our log.
#ifndef SEALWARD_SERVER_APP_GRPC_LOG_H_
#define SEALWARD_SERVER_APP_GRPC_LOG_H_

namespace sealward::app {

// Sends what gRPC has to say (a handshake that failed, mostly) to the structured
// log, as the event "grpc". REQUIRES: called before anything of gRPC.
void UseOurLogForGrpc();

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_GRPC_LOG_H_
