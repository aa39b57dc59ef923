// Calls any method of sealward.v1 with a request in JSON and shows all that
// comes back, byte for byte, so that tests can compare two denials:
//   e2e_rpc_probe SERVER CA CERT KEY SERVICE/METHOD JSON
// prints one JSON object: {"code":n,"message":…,"details":hex,"trailers":{…},"response":{…}}.
//   e2e_rpc_probe SERVER CA CERT KEY
// does so for each line of standard input, SERVICE/METHOD JSON, over one connection.
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "nlohmann/json.hpp"
#include "sealward/v1/denied_certificate_service.pb.h"
#include "sealward/v1/issuer_service.pb.h"
#include "sealward/v1/key_service.pb.h"
#include "sealward/v1/lifecycle_service.pb.h"
#include "sealward/v1/operations_service.pb.h"
#include "sealward/v1/role_binding_service.pb.h"
#include "sealward/v1/signing_service.pb.h"
#include "sealward/v1/status_service.pb.h"
#include "sealward/v1/tenant_service.pb.h"
#include "sealward/v1/trust_domain_service.pb.h"

namespace {

// Descriptors that the linker must not drop.
const google::protobuf::Message* const kLinked[] = {
    &sealward::v1::CreateIssuerRequest::default_instance(),
    &sealward::v1::CreateKeyRequest::default_instance(),
    &sealward::v1::RevokeRequest::default_instance(),
    &sealward::v1::CreateRoleBindingRequest::default_instance(),
    &sealward::v1::SignJwtRequest::default_instance(),
    &sealward::v1::GetServiceStatusRequest::default_instance(),
    &sealward::v1::ConfirmClockRequest::default_instance(),
    &sealward::v1::CreateTenantRequest::default_instance(),
    &sealward::v1::CreateTrustDomainRequest::default_instance(),
    &sealward::v1::CreateDeniedCertificateRequest::default_instance(),
};

// The method named "KeyService/GetKey", or nullptr.
const google::protobuf::MethodDescriptor* FindMethod(const std::string& name) {
  if (kLinked[0] == nullptr) return nullptr;
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrCat("sealward.v1.", absl::StrReplaceAll(name, {{"/", "."}})));
}

std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor* type) {
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<google::protobuf::Message>(factory->GetPrototype(type)->New());
}

// The serialised request, or nothing if `json` is not one.
std::unique_ptr<grpc::ByteBuffer> Request(const google::protobuf::Descriptor* type,
                                          const std::string& json) {
  const auto message = NewMessage(type);
  if (!google::protobuf::util::JsonStringToMessage(json, message.get()).ok()) return nullptr;
  const grpc::Slice slice(message->SerializeAsString());
  return std::make_unique<grpc::ByteBuffer>(&slice, 1);
}

nlohmann::json Response(const google::protobuf::Descriptor* type, const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (buffer.Valid() && buffer.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  const auto message = NewMessage(type);
  std::string json;
  if (!message->ParseFromString(bytes) ||
      !google::protobuf::util::MessageToJsonString(*message, &json).ok()) {
    return nullptr;
  }
  return nlohmann::json::parse(json);
}

// One call and all that came back; null if there is no such method or request.
nlohmann::json Call(grpc::GenericStub& stub, const std::string& name, const std::string& json) {
  const auto* method = FindMethod(name);
  const auto request = method == nullptr ? nullptr : Request(method->input_type(), json);
  if (request == nullptr) return nullptr;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification finished;
  stub.UnaryCall(&context, absl::StrCat("/sealward.v1.", name), {}, request.get(), &response,
                 [&](grpc::Status outcome) {
                   status = std::move(outcome);
                   finished.Notify();
                 });
  finished.WaitForNotification();
  std::map<std::string, std::string> trailers;
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    trailers[std::string(key.data(), key.size())] =
        absl::BytesToHexString(absl::string_view(value.data(), value.size()));
  }
  return {{"code", status.error_code()},
          {"message", status.error_message()},
          {"details", absl::BytesToHexString(status.error_details())},
          {"trailers", trailers},
          {"response", Response(method->output_type(), response)}};
}

bool Print(const nlohmann::json& result) {
  if (result.is_null()) {
    std::cerr << "no such method, or no such request\n";
    return false;
  }
  std::cout << result.dump() << "\n";
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 7) {
    std::cerr << "usage: e2e_rpc_probe SERVER CA CERT KEY [SERVICE/METHOD JSON]\n";
    return 2;
  }
  auto connection = sealward::client::Connection::Open({argv[1], argv[2], argv[3], argv[4]});
  if (!connection.ok()) {
    std::cerr << connection.status() << "\n";
    return 2;
  }
  grpc::GenericStub stub((*connection)->channel());
  if (argc == 7) return Print(Call(stub, argv[5], argv[6])) ? 0 : 2;
  for (std::string line; std::getline(std::cin, line);) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) return 2;
    if (!Print(Call(stub, line.substr(0, space), line.substr(space + 1)))) return 2;
  }
  return 0;
}
