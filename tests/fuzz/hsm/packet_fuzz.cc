// Packets as a hijacked server might send them. Whatever the bytes, either the
// packet is a violation and no verb was called, or the answer is a message with
// one result an operation that fits into a packet.
#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/packet_socket.h"
#include "hsm/dispatch.h"
#include "tests/fuzz/hsm/fake_verbs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealward;
  google::protobuf::SetLogHandler(nullptr);
  hsm::FakeVerbs verbs;
  hsm::Dispatcher dispatcher(verbs, /*start_number=*/7);
  const absl::string_view packet(reinterpret_cast<const char*>(data), size);
  std::string answer;
  if (!dispatcher.Answer(packet, answer).ok()) {
    if (verbs.calls != 0) abort();
    return 0;
  }
  hsm::v1::RequestPacket request;
  hsm::v1::ResponsePacket response;
  if (!request.ParseFromArray(data, static_cast<int>(size)) || !response.ParseFromString(answer)) {
    abort();
  }
  if (answer.size() > kMaxPacketBytes || response.packet_id() != request.packet_id() ||
      response.results_size() != request.operations_size() ||
      verbs.calls != request.operations_size()) {
    abort();
  }
  // The same packet again is a violation: packet_id counts up.
  if (dispatcher.Answer(packet, answer).ok()) abort();
  return 0;
}
