// A gRPC listener: an address, its services, and the limits of its connections.
#ifndef SEALWARD_SERVER_APP_GRPC_LISTENER_H_
#define SEALWARD_SERVER_APP_GRPC_LISTENER_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace sealward::app {

// Limits of a connection. A batch of 256 requests fits as long as its claims
// stay below kMaxRequestBytes together.
inline constexpr int kMaxRequestBytes = 4 * 1024 * 1024;
inline constexpr int kMaxMetadataBytes = 16 * 1024;
inline constexpr int kMaxStreamsPerConnection = 1024;
inline constexpr int kMaxConnectionAgeMs = 60 * 60 * 1000;
inline constexpr int kConnectionAgeGraceMs = 30 * 1000;
// A connection without a call is closed after this.
inline constexpr int kMaxConnectionIdleMs = 10 * 60 * 1000;
inline constexpr int kMinPingIntervalMs = 10 * 1000;
inline constexpr size_t kMaxGrpcMemoryBytes = 512UL * 1024 * 1024;

// GrpcListener is one listening gRPC server.
class GrpcListener {
 public:
  // The limits above, for every server of this process.
  static void SetLimits(grpc::ServerBuilder& builder);

  struct Options {
    std::string name;    // "signing" or "admin", for errors
    std::string listen;  // HOST:PORT; port 0 takes a free one
    std::vector<grpc::Service*> services;
    // Reflection applies to every listener that is started after the first one
    // that asks for it: gRPC keeps it in a global list. Start that one last.
    bool reflection = false;
  };

  // FAILED_PRECONDITION if the address is taken. REQUIRES: the services outlive
  // the listener.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Start(
      const Options& options, const std::shared_ptr<grpc::ServerCredentials>& credentials);

  // HOST:PORT with the real port.
  const std::string& address() const { return address_; }

  // What grpc.health.v1 answers.
  void SetServing(bool serving);

  // Refuses new calls, lets calls under way finish until `deadline`.
  void Stop(std::chrono::system_clock::time_point deadline);

 private:
  GrpcListener(std::unique_ptr<grpc::Server> server, std::string address)
      : server_(std::move(server)), address_(std::move(address)) {}

  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_GRPC_LISTENER_H_
