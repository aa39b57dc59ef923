// many_keys_client CONFIG.json: creates many keys, or rotates them, as fast as the server
// does it. Prints one line of JSON when the last call is answered:
//
//   {"calls":…,"wall_ms":…,"worst_ms":…}
//
// CONFIG.json: {"act":"create" or "rotate","count":…,"admin":"127.0.0.1:PORT","ca":…,
// "tenant":"tenants/…","issuer_url":…,"audience":…,
// "identities":{"admin":{"certificate":…,"private_key":…},"operator":{…}}}
// Key i is k{i}, of an issuer i{i} of its own whose validators cache for a second.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sealward/v1/issuer_service.grpc.pb.h"
#include "sealward/v1/key_service.grpc.pb.h"
#include "tests/bench/line_protocol.h"

namespace sealward::bench {
namespace {

constexpr int kCallers = 8;  // calls in flight
constexpr int kMaxTries = 50;
constexpr std::chrono::seconds kCallDeadline{60};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<grpc::Channel> Connect(const Json& config, const char* identity) {
  const Json& files = config.at("identities").at(identity);
  return grpc::CreateChannel(
      config.at("admin").get<std::string>(),
      grpc::SslCredentials({ReadFile(config.at("ca")), ReadFile(files.at("private_key")),
                            ReadFile(files.at("certificate"))}));
}

// The calls for one key.
class Caller {
 public:
  explicit Caller(const Json& config)
      : config_(config),
        issuers_(v1::IssuerService::NewStub(Connect(config, "admin"))),
        keys_(v1::KeyService::NewStub(Connect(config, "operator"))) {}

  grpc::Status Do(int number) {
    if (config_.at("act") == "rotate") return Rotate(number);
    const grpc::Status status = CreateIssuer(number);
    return status.ok() ? CreateKey(number) : status;
  }

 private:
  std::string Tenant() const { return config_.at("tenant"); }

  grpc::Status CreateIssuer(int number) {
    v1::CreateIssuerRequest request;
    request.set_parent(Tenant());
    request.set_issuer_id(absl::StrCat("i", number));
    v1::Issuer& issuer = *request.mutable_issuer();
    issuer.set_issuer_url(absl::StrCat(config_.at("issuer_url").get<std::string>(), "/", number));
    issuer.mutable_max_age()->set_seconds(1);
    issuer.mutable_propagation_time()->set_seconds(1);
    v1::Issuer response;
    return Try([&](grpc::ClientContext* context) {
      return issuers_->CreateIssuer(context, request, &response);
    });
  }

  grpc::Status CreateKey(int number) {
    v1::CreateKeyRequest request;
    request.set_parent(Tenant());
    request.set_key_id(absl::StrCat("k", number));
    v1::Key& key = *request.mutable_key();
    key.set_purpose(v1::KEY_PURPOSE_JWT);
    key.set_algorithm(v1::ALGORITHM_ES256);
    key.mutable_scope()->set_issuer(absl::StrCat(Tenant(), "/issuers/i", number));
    key.mutable_scope()->add_audiences(config_.at("audience").get<std::string>());
    v1::Key response;
    return Try([&](grpc::ClientContext* context) {
      return keys_->CreateKey(context, request, &response);
    });
  }

  grpc::Status Rotate(int number) {
    v1::RotateKeyRequest request;
    request.set_name(absl::StrCat(Tenant(), "/keys/k", number));
    v1::RotateKeyResponse response;
    return Try([&](grpc::ClientContext* context) {
      return keys_->RotateKey(context, request, &response);
    });
  }

  // As an operator's script would: what the server puts off is asked again.
  template <typename Call>
  static grpc::Status Try(Call call) {
    grpc::Status status;
    for (int i = 0; i < kMaxTries; ++i) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
      status = call(&context);
      const auto code = status.error_code();
      if (code != grpc::StatusCode::UNAVAILABLE && code != grpc::StatusCode::RESOURCE_EXHAUSTED &&
          code != grpc::StatusCode::ABORTED) {
        break;
      }
    }
    return status;
  }

  const Json& config_;
  std::unique_ptr<v1::IssuerService::Stub> issuers_;
  std::unique_ptr<v1::KeyService::Stub> keys_;
};

int Run(const Json& config) {
  const int count = config.at("count");
  std::atomic<int> next{0};
  std::mutex mu;
  int64_t worst_ns = 0;
  std::string error;
  const int64_t begin = MonotonicNs();
  std::vector<std::thread> threads;
  threads.reserve(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&] {
      Caller caller(config);
      for (int number = next++; number < count; number = next++) {
        const int64_t sent = MonotonicNs();
        const grpc::Status status = caller.Do(number);
        const std::scoped_lock lock(mu);
        worst_ns = std::max(worst_ns, MonotonicNs() - sent);
        if (!status.ok()) error = absl::StrCat("key ", number, ": ", status.error_message());
        if (!error.empty()) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (!error.empty()) {
    std::cerr << "many_keys_client: " << error << "\n";
    return 1;
  }
  std::cout << Json{{"calls", count},
                    {"wall_ms", static_cast<double>(MonotonicNs() - begin) / 1e6},
                    {"worst_ms", static_cast<double>(worst_ns) / 1e6}}
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace sealward::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: many_keys_client CONFIG.json\n";
    return 2;
  }
  const auto config = sealward::bench::ReadConfig(argv[1]);
  if (!config.ok()) return sealward::bench::Fail(config.status());
  return sealward::bench::Run(*config);
}
