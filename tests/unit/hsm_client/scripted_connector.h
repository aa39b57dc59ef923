// Processes of a partition as threads at the other end of real socketpairs.
#ifndef SEALWARD_TESTS_UNIT_HSM_CLIENT_SCRIPTED_CONNECTOR_H_
#define SEALWARD_TESTS_UNIT_HSM_CLIENT_SCRIPTED_CONNECTOR_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/hsm_client/connector.h"
#include "server/hsm_client/partition.h"

namespace sealward::hsm_client {

// What the peer does with its end of the socket, for the n-th connection.
using Behaviour = std::function<void(int connection, PacketSocket& socket)>;

// ScriptedConnector hands out socketpairs whose other end runs a Behaviour.
class ScriptedConnector final : public Connector {
 public:
  explicit ScriptedConnector(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}
  ~ScriptedConnector() override {
    for (std::thread& peer : peers_) peer.join();
  }
  absl::StatusOr<std::unique_ptr<Link>> Connect(int /*slot*/) override {
    auto pair = PacketSocket::Pair();
    if (!pair.ok()) return pair.status();
    peers_.emplace_back([this, n = connections_++, socket = std::move(pair->second)]() mutable {
      behaviour_(n, socket);
    });
    return std::make_unique<Link>(Link{std::move(pair->first), 0, false});
  }

 private:
  Behaviour behaviour_;
  int connections_ = 0;
  std::vector<std::thread> peers_;
};

inline void SendReady(const PacketSocket& socket, int signing_sessions = 1) {
  hsm::v1::ResponsePacket packet;
  packet.mutable_ready()->mutable_description()->set_label("test");
  packet.mutable_ready()->mutable_description()->set_signing_sessions(signing_sessions);
  ASSERT_TRUE(socket.SendBlocking(packet.SerializeAsString()).ok());
}

// Answers every operation with what `answer` makes of it, until the socket ends.
inline void AnswerAll(const PacketSocket& socket,
                      const std::function<hsm::v1::Result(const hsm::v1::Operation&)>& answer) {
  std::string buffer;
  while (socket.Receive(buffer).ok()) {
    hsm::v1::RequestPacket request;
    ASSERT_TRUE(request.ParseFromString(buffer));
    hsm::v1::ResponsePacket response;
    response.set_packet_id(request.packet_id());
    for (const auto& operation : request.operations()) *response.add_results() = answer(operation);
    if (!socket.SendBlocking(response.SerializeAsString()).ok()) return;
  }
}

// What a healthy process answers.
inline hsm::v1::Result HealthyAnswer(const hsm::v1::Operation& operation) {
  hsm::v1::Result result;
  if (operation.has_sign_jws()) result.mutable_signature()->set_signature("s");
  return result;
}

// A healthy process.
inline void Serve(const PacketSocket& socket) {
  SendReady(socket);
  AnswerAll(socket, HealthyAnswer);
}

inline hsm::v1::Operation SignOperation() {
  hsm::v1::Operation operation;
  operation.mutable_sign_jws()->set_signing_input("a.b");
  return operation;
}

}  // namespace sealward::hsm_client

#endif  // SEALWARD_TESTS_UNIT_HSM_CLIENT_SCRIPTED_CONNECTOR_H_
