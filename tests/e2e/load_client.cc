// Signs without a pause over mTLS and writes each JWT as a line to standard
// output, until its standard input ends. A test reads the lines, or pipes them
// into a validator. At the end, one JSON object on standard error:
//   {"signed":N,"failed":{"CODE REASON":n,…},"without_retry_info":n,"slowest_ms":n}
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/signer.h"
#include "common/errors.h"
#include "nlohmann/json.hpp"

namespace sealward::client {
namespace {

struct Options {
  ConnectionOptions connection;
  std::string key;
  std::string issuer;
  std::string audience;
  int concurrency = 8;
  int attempts = 1;
  int timeout_s = 30;
  int lifetime_s = 300;
  bool quiet = false;  // count only
};

// Load runs the signing threads and counts.
class Load {
 public:
  Load(const Options& options, Signer* signer) : options_(options), signer_(signer) {}

  void Run() {
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(options_.concurrency));
    for (int i = 0; i < options_.concurrency; ++i) threads.emplace_back([this] { Loop(); });
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    {
      absl::MutexLock lock(&mu_);
      stop_ = true;
    }
    for (auto& thread : threads) thread.join();
  }

  std::string Summary() const {
    absl::MutexLock lock(&mu_);
    const nlohmann::json summary = {{"signed", signed_},
                                    {"failed", failed_},
                                    {"without_retry_info", without_retry_info_},
                                    {"slowest_ms", absl::ToInt64Milliseconds(slowest_)}};
    return summary.dump();
  }

 private:
  void Loop() {
    while (!Stopped()) {
      const absl::Time start = absl::Now();
      auto jwt = signer_->SignJwt({options_.key, Claims(start), ""},
                                  start + absl::Seconds(options_.timeout_s));
      Count(jwt, absl::Now() - start);
    }
  }

  bool Stopped() const {
    absl::MutexLock lock(&mu_);
    return stop_;
  }

  std::string Claims(absl::Time now) const {
    return absl::StrFormat(R"({"iss":"%s","aud":"%s","sub":"load","exp":%d})", options_.issuer,
                           options_.audience, absl::ToUnixSeconds(now) + options_.lifetime_s);
  }

  void Count(const absl::StatusOr<SignedJwt>& jwt, absl::Duration took) {
    absl::MutexLock lock(&mu_);
    slowest_ = std::max(slowest_, took);
    if (jwt.ok()) {
      ++signed_;
      if (!options_.quiet) std::printf("%s\n", jwt->jwt.c_str());
      return;
    }
    const absl::Status& error = jwt.status();
    ++failed_[absl::StrCat(absl::StatusCodeToString(error.code()), " ", ErrorReason(error))];
    if (RetryDelay(error) == absl::ZeroDuration()) ++without_retry_info_;
  }

  const Options& options_;
  Signer* const signer_;
  mutable absl::Mutex mu_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  int64_t signed_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t without_retry_info_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration slowest_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> failed_ ABSL_GUARDED_BY(mu_);
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Signs JWTs until standard input ends");
  app.add_option("--server", options.connection.target)->required();
  app.add_option("--ca", options.connection.ca_file)->required();
  app.add_option("--cert", options.connection.certificate_file)->required();
  app.add_option("--key-file", options.connection.private_key_file)->required();
  app.add_option("--key", options.key)->required();
  app.add_option("--issuer", options.issuer)->required();
  app.add_option("--audience", options.audience)->required();
  app.add_option("--concurrency", options.concurrency);
  app.add_option("--attempts", options.attempts);
  app.add_option("--timeout-s", options.timeout_s);
  app.add_option("--lifetime-s", options.lifetime_s);
  app.add_flag("--quiet", options.quiet);
  CLI11_PARSE(app, argc, argv);
  auto connection = Connection::Open(options.connection);
  if (!connection.ok()) {
    std::cerr << connection.status() << "\n";
    return 1;
  }
  Signer::Options signer_options;
  signer_options.retry.max_attempts = options.attempts;
  Signer signer(*connection, std::move(signer_options));
  Load load(options, &signer);
  load.Run();
  std::fflush(stdout);
  std::cerr << load.Summary() << "\n";
  return 0;
}

}  // namespace
}  // namespace sealward::client

int main(int argc, char** argv) {
  sealward::client::RequireTls13();
  return sealward::client::Main(argc, argv);
}
