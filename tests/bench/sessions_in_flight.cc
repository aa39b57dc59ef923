// How signing scales with the sessions in flight, on an HSM across a network
// (tests/fakes/pkcs11_shim):
//
//   [SEALWARD_TEST_ROUND_TRIP_MS=20] sessions_in_flight SECONDS SESSIONS...
//
// A process has 16 sessions and 2 packets in flight, more sessions are more processes, as
// from a busy server. Prints a line for each: {"sessions":16,"processes":1,"rate":…,
// "latency_ms":…,"of_ideal":…,"raw_rate":…,"of_raw":…}. The latency is that of one signature
// alone, and ideal is sessions / latency: where this is more than the machine can compute, the
// raw module is what can be had. That is as many threads of one process, each with a session,
// which call nothing but C_SignInit and C_Sign. Exit code 1 if a signature is missing or wrong.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/bench/raw_module.h"
#include "tests/bench/scheme.h"
#include "tests/contract/hsm/hsm_process.h"

namespace v1 = sealward::v1;
namespace bench = sealward::bench;
namespace hsm_test = sealward::hsm_test;

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr size_t kSessionsPerProcess = 16;
constexpr int kAlone = 100;

[[noreturn]] void Fail(const char* what) {
  fprintf(stderr, "sessions_in_flight: %s\n", what);
  std::exit(1);
}

struct Rig {
  explicit Rig(const hsm_test::HsmKind& kind) : partition(kind) {}

  // A process with as many signatures in each packet, and what it answers in `duration`.
  long Load(hsm_test::HsmProcess& process, size_t packet_size, Clock::duration duration) const {
    const std::vector packet(packet_size, hsm_test::SignOp(ref, input));
    // One session has nothing to do with a second packet.
    const int packets = packet_size == 1 ? 1 : sealward::kMaxPacketsInFlight;
    long signatures = 0;
    const auto end = Clock::now() + duration;
    for (int n = 0; n < packets; ++n) {
      if (!process.Post(packet).ok()) Fail("the signer does not read");
    }
    for (int owed = packets; owed > 0;) {
      const auto answer = process.Receive();
      if (!answer.ok()) Fail("the signer ended");
      for (const auto& result : answer->results()) {
        if (result.code() != 0) Fail("a signature is missing");
      }
      if (Clock::now() > end) {
        --owed;
        // Verifying takes as long as some of what is measured.
        if (!hsm_test::Verifies(key, input, answer->results(0).signature().signature())) {
          Fail("a signature is wrong");
        }
        continue;
      }
      signatures += answer->results_size();
      if (!process.Post(packet).ok()) Fail("the signer does not read");
    }
    return signatures;
  }

  hsm_test::TempPartition partition;
  sealward::hsm::v1::ObjectRef ref = hsm_test::Ref(hsm_test::Id(1));
  sealward::hsm::v1::PublicKey key;
  std::string input;
};

// The module without sealward-hsm, on the same partition.
class RawThreads {
 public:
  explicit RawThreads(const Rig& rig, const hsm_test::HsmKind& kind)
      : message_(rig.input), scheme_(**bench::SchemeOf("ES256")) {
    // SoftHSM2's configuration names its tokens from here.
    if (chdir(rig.partition.directory().c_str()) != 0) Fail("chdir to the partition");
    auto module = bench::RawModule::Open(
        {.module = kind.module, .label = "sealward", .pin_file = "pin", .lock_file = "lock"});
    if (!module.ok()) Fail(module.status().ToString().c_str());
    first_ = *std::move(module);
    const auto found = first_->FindPrivateKeys(CKA_ID, hsm_test::Id(1));
    if (!found.ok() || found->size() != 1) Fail("the raw module does not find the key");
    key_ = found->front();
  }

  // Signatures a second.
  double Rate(size_t sessions, double seconds) {
    while (others_.size() + 1 < sessions) {
      auto another = first_->OpenAnother();
      if (!another.ok()) Fail(another.status().ToString().c_str());
      others_.push_back(*std::move(another));
    }
    std::atomic<long> signatures = 0;
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
    const auto load = [&](bench::RawModule& module) {
      bench::Hasher hasher(scheme_);
      std::array<unsigned char, bench::RawModule::kMaxSignatureBytes> signature;
      for (; Clock::now() < end; ++signatures) {
        if (!module.Sign(hasher, key_, message_, signature).ok()) Fail("a raw signature failed");
      }
    };
    std::vector<std::thread> loads;
    loads.reserve(sessions);
    for (size_t n = 1; n < sessions; ++n) loads.emplace_back(load, std::ref(*others_[n - 1]));
    load(*first_);
    for (std::thread& each : loads) each.join();
    return static_cast<double>(signatures) / seconds;
  }

 private:
  std::string message_;
  const bench::Scheme& scheme_;
  std::unique_ptr<bench::RawModule> first_;
  std::vector<std::unique_ptr<bench::RawModule>> others_;
  CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
};

double Latency(const Rig& rig, hsm_test::HsmProcess& process) {
  const auto start = Clock::now();
  for (int n = 0; n < kAlone; ++n) process.CallOne(hsm_test::SignOp(rig.ref, rig.input));
  return Seconds(Clock::now() - start).count() / kAlone;
}

void Measure(const Rig& rig, RawThreads& raw, size_t sessions, double latency, double seconds) {
  const size_t processes = (sessions + kSessionsPerProcess - 1) / kSessionsPerProcess;
  std::vector<std::unique_ptr<hsm_test::HsmProcess>> signers;
  for (size_t n = 0; n < processes; ++n) {
    signers.push_back(std::make_unique<hsm_test::HsmProcess>(rig.partition.directory()));
    if (!signers.back()->Ready().ok()) Fail("the signer does not get ready");
    // The first signature reads a dozen attributes, each a round trip.
    signers.back()->CallOne(hsm_test::SignOp(rig.ref, rig.input));
  }
  std::vector<long> signatures(processes);
  std::vector<std::thread> loads;
  loads.reserve(processes);
  const auto duration = std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
  for (size_t n = 0; n < processes; ++n) {
    loads.emplace_back([&, n] {
      signatures[n] = rig.Load(*signers[n], std::min(sessions, kSessionsPerProcess), duration);
    });
  }
  for (std::thread& load : loads) load.join();
  double rate = 0;
  for (const long count : signatures) rate += static_cast<double>(count) / seconds;
  const double raw_rate = raw.Rate(sessions, seconds);
  printf(
      "{\"sessions\":%zu,\"processes\":%zu,\"rate\":%.0f,\"latency_ms\":%.2f,"
      "\"of_ideal\":%.2f,\"raw_rate\":%.0f,\"of_raw\":%.2f}\n",
      sessions, processes, rate, latency * 1e3, rate * latency / static_cast<double>(sessions),
      raw_rate, rate / raw_rate);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) Fail("SECONDS SESSIONS...");
  const auto kinds = hsm_test::AllKinds();
  const hsm_test::HsmKind& kind = *std::ranges::find_if(
      kinds, [](const auto& each) { return each.name == std::string("slow"); });
  Rig rig(kind);
  hsm_test::HsmProcess first(rig.partition.directory());
  if (!first.Ready().ok()) Fail("the signer does not get ready");
  rig.key = first.CallOne(hsm_test::GenerateOp(rig.ref, v1::ALGORITHM_ES256)).public_key();
  rig.input = hsm_test::SigningInputFor(rig.key);
  first.CallOne(hsm_test::SignOp(rig.ref, rig.input));
  const double latency = Latency(rig, first);
  RawThreads raw(rig, kind);
  for (int n = 2; n < argc; ++n) {
    Measure(rig, raw, static_cast<size_t>(std::atol(argv[n])), latency, std::atof(argv[1]));
  }
  return 0;
}
