// batching_client CONFIG.json: what the client library's BatchingSigner is worth
// against batches made by hand. Commands and answers as in line_protocol.h:
//
//   {"key":"es256","batching":true,"batch":64,"under_way":4,"seconds":2}
//
// keeps batch * under_way requests in flight for that long: with "batching" as single
// requests to a BatchingSigner that may have as many batches of that size under way,
// without it as `under_way` threads that call Signer::SignJwtBatch. Both check every
// kid, and a sample of JWTs after the clock has stopped. CONFIG.json as load_client's.
//
// Unlike the other programs here it uses the library, because that is what it measures.
#include <fstream>
#include <iostream>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/batching_signer.h"
#include "client/connection.h"
#include "tests/bench/answer_check.h"
#include "tests/bench/latencies.h"

namespace sealward::bench {
namespace {

constexpr int kExitUsage = 2;
constexpr absl::Duration kCallDeadline = absl::Seconds(20);

// Round keeps requests in flight until its end. Thread-safe.
class Round {
 public:
  Round(KeyUnderLoad& key, double seconds)
      : key_(key), check_(key), end_ns_(MonotonicNs() + static_cast<int64_t>(seconds * 1e9)) {}

  bool Over() const { return MonotonicNs() >= end_ns_; }

  // The next request, as the API has it: the library's is made from it.
  const v1::SignJwtRequest& Next() {
    absl::MutexLock lock(&mu_);
    return key_.requests()[next_++ % key_.requests().size()];
  }

  static client::JwtRequest ToLibrary(const v1::SignJwtRequest& request) {
    return {request.key(), request.claims(), request.typ()};
  }

  void Answered(const v1::SignJwtRequest& request, absl::StatusOr<client::SignedJwt> jwt,
                int64_t start_ns) {
    const int64_t now_ns = MonotonicNs();
    absl::MutexLock lock(&mu_);
    latencies_.Add(now_ns - start_ns);
    if (!jwt.ok()) return check_.Error(std::string(jwt.status().message()));
    v1::SignJwtResponse response;
    response.set_jwt(std::move(jwt->jwt));
    response.set_kid(std::move(jwt->kid));
    check_.Answer(request, response);
    ++signatures_;
  }

  // BatchingSigner: `in_flight` requests, each followed by another.
  void RunBatching(client::BatchingSigner& signer, size_t in_flight) {
    {
      absl::MutexLock lock(&mu_);
      in_flight_ = in_flight;
    }
    for (size_t i = 0; i < in_flight; ++i) Send(signer);
    absl::MutexLock lock(&mu_);
    const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return in_flight_ == 0; };
    mu_.Await(absl::Condition(&none));
  }

  // By hand: one thread's batches, one after the other.
  void RunBatches(client::Signer& signer, size_t size) {
    while (!Over()) {
      std::vector<const v1::SignJwtRequest*> requests;
      std::vector<client::JwtRequest> batch;
      const int64_t start_ns = MonotonicNs();
      for (size_t i = 0; i < size; ++i) {
        requests.push_back(&Next());
        batch.push_back(ToLibrary(*requests.back()));
      }
      auto answers = signer.SignJwtBatch(std::move(batch), absl::Now() + kCallDeadline);
      for (size_t i = 0; i < size; ++i) {
        Answered(*requests[i], answers.ok() ? std::move((*answers)[i]) : answers.status(),
                 start_ns);
      }
    }
  }

  Json Finish(int64_t wall_ns, int64_t cpu_ns) {
    absl::MutexLock lock(&mu_);
    Json answer = {{"ops", signatures_},
                   {"wall_ns", wall_ns},
                   {"cpu_ns", cpu_ns},
                   {"latency", latencies_.Percentiles()}};
    answer.update(check_.Finish());
    return answer;
  }

 private:
  void Send(client::BatchingSigner& signer) {
    const v1::SignJwtRequest& request = Next();
    signer.SignJwtAsync(
        ToLibrary(request), absl::Now() + kCallDeadline,
        [this, &signer, &request, start_ns = MonotonicNs()](absl::StatusOr<client::SignedJwt> jwt) {
          Answered(request, std::move(jwt), start_ns);
          if (!Over()) return Send(signer);
          absl::MutexLock lock(&mu_);
          --in_flight_;
        });
  }

  KeyUnderLoad& key_;
  absl::Mutex mu_;
  AnswerCheck check_ ABSL_GUARDED_BY(mu_);
  Latencies latencies_ ABSL_GUARDED_BY(mu_);
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
  size_t signatures_ ABSL_GUARDED_BY(mu_) = 0;
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  const int64_t end_ns_;
};

Json Measure(client::Signer& signer, KeyUnderLoad& key, const Json& command) {
  const size_t size = command.at("batch");
  const size_t under_way = command.at("under_way");
  const int64_t cpu_before_ns = ProcessCpuNs();
  const int64_t start_ns = MonotonicNs();
  Round round(key, command.at("seconds"));
  if (command.at("batching")) {
    client::BatchingSigner batching(&signer,
                                    {.max_batch = size, .max_batches_under_way = under_way});
    round.RunBatching(batching, size * under_way);
  } else {
    std::vector<std::thread> threads;
    threads.reserve(under_way);
    for (size_t i = 0; i < under_way; ++i) {
      threads.emplace_back([&] { round.RunBatches(signer, size); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  return round.Finish(MonotonicNs() - start_ns, ProcessCpuNs() - cpu_before_ns);
}

int Run(const Json& config) {
  // The library wants a host that is in the certificate; "127.0.0.1" is.
  auto connection = client::Connection::Open(
      {config.at("target"), config.at("ca"), config.at("certificate"), config.at("private_key")});
  if (!connection.ok()) return Fail(connection.status());
  client::Signer signer(*connection);
  std::map<std::string, std::unique_ptr<KeyUnderLoad>> keys;
  for (const Json& entry : config.at("keys")) {
    auto key = KeyUnderLoad::Create(entry);
    if (!key.ok()) return Fail(key.status());
    keys[entry.at("name")] = std::move(*key);
  }
  return ServeCommands([&](const Json& command) -> absl::StatusOr<Json> {
    return Measure(signer, *keys.at(command.at("key")), command);
  });
}

}  // namespace
}  // namespace sealward::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: batching_client CONFIG.json\n";
    return sealward::bench::kExitUsage;
  }
  // Debian builds abseil with deadlock detection on, which costs a lock a lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  sealward::client::RequireTls13();
  absl::StatusOr<sealward::bench::Json> config = sealward::bench::ReadConfig(argv[1]);
  if (!config.ok()) return sealward::bench::Fail(config.status());
  try {
    return sealward::bench::Run(*config);
  } catch (const std::exception& error) {  // a member is missing or has another type
    return sealward::bench::Fail(absl::InvalidArgumentError(error.what()));
  }
}
