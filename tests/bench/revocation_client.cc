// revocation_client CONFIG.json: how long a stolen key goes on signing.
//
// Signs with a key without a pause, revokes its signing version over the admin
// listener, and goes on until a JWT has another kid. Prints one line of JSON:
//
//   {"first_signature_ms":…,"answer_ms":…,"signed_before":…}
//
// both times from the moment before Revoke is sent. The key's successor must be
// STANDBY.
//
// CONFIG.json: {"admin":"127.0.0.1:PORT","signing":"127.0.0.1:PORT","ca":…,
// "operator":{"certificate":…,"private_key":…},"issuer":{…},"version":…,"claims":…}
// with file names and, for the last two, a resource name and a JSON text.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "sealward/v1/lifecycle_service.grpc.pb.h"
#include "sealward/v1/signing_service.grpc.pb.h"

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{30};
constexpr int kWarmUpSignatures = 50;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<grpc::Channel> Connect(const Json& config, const char* listener,
                                       const char* identity) {
  const Json& files = config.at(identity);
  auto channel = grpc::CreateChannel(
      config.at(listener).get<std::string>(),
      grpc::SslCredentials({ReadFile(config.at("ca")), ReadFile(files.at("private_key")),
                            ReadFile(files.at("certificate"))}));
  channel->WaitForConnected(std::chrono::system_clock::now() + kPatience);
  return channel;
}

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// Signs one JWT after another.
class Signer {
 public:
  explicit Signer(const Json& config)
      : stub_(sealward::v1::SigningService::NewStub(Connect(config, "signing", "issuer"))) {
    const std::string version = config.at("version");
    request_.set_key(version.substr(0, version.find("/versions/")));
    request_.set_claims(config.at("claims").get<std::string>());
  }

  // The kid of a new JWT; empty on failure.
  std::string Kid() {
    grpc::ClientContext context;
    sealward::v1::SignJwtResponse response;
    if (!stub_->SignJwt(&context, request_, &response).ok()) return "";
    return response.kid();
  }

 private:
  std::unique_ptr<sealward::v1::SigningService::Stub> stub_;
  sealward::v1::SignJwtRequest request_;
};

int Run(const Json& config) {
  Signer signer(config);
  std::string stolen;
  for (int i = 0; i < kWarmUpSignatures; ++i) stolen = signer.Kid();
  if (stolen.empty()) {
    std::cerr << "revocation_client: the key does not sign\n";
    return 1;
  }
  const auto admin = sealward::v1::LifecycleService::NewStub(Connect(config, "admin", "operator"));
  sealward::v1::RevokeRequest request;
  request.set_name(config.at("version").get<std::string>());
  request.set_reason(sealward::v1::REVOCATION_REASON_KEY_COMPROMISE);
  grpc::Status status;
  Clock::time_point answered;
  const Clock::time_point sent = Clock::now();
  std::thread revoker([&] {
    grpc::ClientContext context;
    sealward::v1::RevokeResponse response;
    status = admin->Revoke(&context, request, &response);
    answered = Clock::now();
  });
  int before = 0;
  std::string kid = stolen;
  while (kid == stolen && Clock::now() - sent < kPatience) {
    kid = signer.Kid();
    if (kid == stolen) ++before;
  }
  const Clock::time_point first = Clock::now();
  revoker.join();
  if (!status.ok() || kid.empty() || kid == stolen) {
    std::cerr << "revocation_client: " << status.error_message() << "\n";
    return 1;
  }
  std::cout << Json{{"first_signature_ms", Milliseconds(first - sent)},
                    {"answer_ms", Milliseconds(answered - sent)},
                    {"signed_before", before}}
            << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: revocation_client CONFIG.json\n";
    return 2;
  }
  return Run(Json::parse(ReadFile(argv[1])));
}
