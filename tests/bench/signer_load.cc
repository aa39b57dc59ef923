// Signs with one sealward-hsm alone, over its socket, as fast as it goes:
//
//   SEALWARD_TEST_HSM=PROGRAM signer_load PARTITION SECONDS ALGORITHM
//
// Prints {"signatures":…,"seconds":…,"cpu_seconds":…}: the CPU is the signer's. 2 packets of
// 16 operations are in flight, as from a busy server. ALGORITHM is a name of
// common/algorithms.cc. Exit code 1 if one does not verify.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/algorithms.h"
#include "common/packet_socket.h"
#include "tests/contract/hsm/hsm_process.h"

namespace v1 = sealward::v1;
namespace hsm_test = sealward::hsm_test;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUpPackets = 8;

// utime and stime of /proc/PID/stat (proc(5)), fields 14 and 15.
double CpuSeconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int Fail(const char* what) {
  fprintf(stderr, "signer_load: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return Fail("PARTITION SECONDS ALGORITHM");
  const sealward::AlgorithmInfo* const row = sealward::FindAlgorithmByName(argv[3]);
  if (row == nullptr) return Fail("no such algorithm; ES256 and RS256-2048 are two");
  const v1::Algorithm algorithm = row->algorithm;
  const auto ref = hsm_test::Ref(hsm_test::Id(algorithm));
  hsm_test::HsmProcess process(argv[1]);
  if (!process.Ready().ok()) return Fail("the signer does not get ready");
  const auto key = process.CallOne(hsm_test::GenerateOp(ref, algorithm)).public_key();
  const std::string input = hsm_test::SigningInputFor(key);
  const std::vector<sealward::hsm::v1::Operation> packet(sealward::kMaxOperationsPerPacket,
                                                         hsm_test::SignOp(ref, input));
  long signatures = 0;
  const auto one = [&] {
    const auto answer = process.Receive();
    if (!answer.ok() || answer->results_size() != sealward::kMaxOperationsPerPacket ||
        !hsm_test::Verifies(key, input, answer->results(0).signature().signature())) {
      std::exit(Fail("a signature is missing or wrong"));
    }
    signatures += answer->results_size();
  };
  for (int i = 0; i < kWarmUpPackets; ++i) {
    if (!process.Post(packet).ok()) return Fail("the signer does not read");
    one();
  }
  signatures = 0;
  const double cpu = CpuSeconds(process.pid());
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration<double>(std::atof(argv[2]));
  for (int i = 0; i < sealward::kMaxPacketsInFlight; ++i) {
    if (!process.Post(packet).ok()) return Fail("the signer does not read");
  }
  while (Clock::now() < end) {
    one();
    if (!process.Post(packet).ok()) return Fail("the signer does not read");
  }
  for (int i = 0; i < sealward::kMaxPacketsInFlight; ++i) one();
  const std::chrono::duration<double> took = Clock::now() - start;
  printf("{\"signatures\":%ld,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", signatures, took.count(),
         CpuSeconds(process.pid()) - cpu);
  return 0;
}
