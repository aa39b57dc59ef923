// load_client CONFIG.json: loads the signing listener over mTLS. Commands and
// answers as in line_protocol.h:
//
//   {"key":"es256","concurrency":128,"batch":0,"channels":1,"seconds":2}
//
// keeps `concurrency` calls in flight for that long: SignJwt, or BatchSignJwt
// of `batch` requests if that is not 0. With "rate":N it starts N calls a second
// instead, and has at most `concurrency` in flight; with "may_be_refused":true
// RESOURCE_EXHAUSTED is counted apart. Every kid is checked, a sample of JWTs
// is verified with OpenSSL after the clock has stopped, errors are counted.
//
// CONFIG.json: {"target":"127.0.0.1:PORT","ca":…,"certificate":…,
// "private_key":…,"keys":[{"name":…, and as answer_check.h says}]}.
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/load_round.h"

namespace sealward::bench {
namespace {

constexpr int kExitUsage = 2;
constexpr size_t kMaxChannels = 16;
constexpr std::chrono::seconds kConnectTimeout{10};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Connections are opened at first use and kept for all rounds.
class Connections {
 public:
  explicit Connections(const Json& config)
      : target_(config.at("target")),
        credentials_(grpc::SslCredentials({.pem_root_certs = ReadFile(config.at("ca")),
                                           .pem_private_key = ReadFile(config.at("private_key")),
                                           .pem_cert_chain = ReadFile(config.at("certificate"))})) {
  }

  // `count` stubs, each on a TCP connection of its own.
  absl::StatusOr<std::vector<Stub*>> Get(size_t count) {
    if (count == 0 || count > kMaxChannels) {
      return absl::InvalidArgumentError(absl::StrCat("channels must be 1 to ", kMaxChannels));
    }
    while (stubs_.size() < count) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
      arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
      auto channel = grpc::CreateCustomChannel(target_, credentials_, arguments);
      if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout)) {
        return absl::UnavailableError(absl::StrCat("cannot connect to ", target_));
      }
      stubs_.push_back(v1::SigningService::NewStub(channel));
    }
    std::vector<Stub*> stubs;
    stubs.reserve(count);
    for (size_t i = 0; i < count; ++i) stubs.push_back(stubs_[i].get());
    return stubs;
  }

 private:
  const std::string target_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  std::vector<std::unique_ptr<Stub>> stubs_;
};

// The key's requests in batches of `size`, each request in one of them.
std::vector<v1::BatchSignJwtRequest> Batches(const KeyUnderLoad& key, size_t size) {
  std::vector<v1::BatchSignJwtRequest> batches;
  for (size_t i = 0; i < key.requests().size(); ++i) {
    if (i % size == 0) batches.emplace_back();
    *batches.back().add_requests() = key.requests()[i];
  }
  if (key.requests().size() % size != 0 && batches.size() > 1) batches.pop_back();
  return batches;
}

template <typename Call>
typename LoadRound<Call>::Load LoadOf(const Json& command) {
  return {command.at("concurrency"), command.at("seconds"), command.value("rate", 0.0),
          command.value("may_be_refused", false)};
}

absl::StatusOr<Json> Measure(Connections& connections, KeyUnderLoad& key, const Json& command) {
  const size_t batch = command.at("batch");
  auto stubs = connections.Get(command.at("channels"));
  if (!stubs.ok()) return stubs.status();
  AnswerCheck check(key);
  Json answer;
  if (batch == 0) {
    answer = LoadRound<UnaryCall>(*stubs, key.requests(), check).Run(LoadOf<UnaryCall>(command));
  } else {
    const auto batches = Batches(key, batch);
    answer = LoadRound<BatchCall>(*stubs, batches, check).Run(LoadOf<BatchCall>(command));
  }
  answer.update(check.Finish());
  return answer;
}

int Run(const Json& config) {
  Connections connections(config);
  if (auto stubs = connections.Get(1); !stubs.ok()) return Fail(stubs.status());
  std::map<std::string, std::unique_ptr<KeyUnderLoad>> keys;
  for (const Json& entry : config.at("keys")) {
    auto key = KeyUnderLoad::Create(entry);
    if (!key.ok()) return Fail(key.status());
    keys[entry.at("name")] = std::move(*key);
  }
  return ServeCommands([&](const Json& command) {
    return Measure(connections, *keys.at(command.at("key")), command);
  });
}

}  // namespace
}  // namespace sealward::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: load_client CONFIG.json\n";
    return sealward::bench::kExitUsage;
  }
  // Debian builds abseil with deadlock detection on, which costs a lock a lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::StatusOr<sealward::bench::Json> config = sealward::bench::ReadConfig(argv[1]);
  if (!config.ok()) return sealward::bench::Fail(config.status());
  try {
    return sealward::bench::Run(*config);
  } catch (const std::exception& error) {  // a member is missing or has another type
    return sealward::bench::Fail(absl::InvalidArgumentError(error.what()));
  }
}
