// Several sealward-hsm processes on one SoftHSM2 partition log in, generate,
// sign and forget, and are killed with SIGKILL at random, also while they log
// in: no key whose generate was answered may be lost, the partition must not be
// emptied, and every start that is not killed must reach ready.
//
//   hsm_kill_stress [--seconds N] [--seed S] [--processes P]
//
// SEALWARD_STRESS_SECONDS and SEALWARD_STRESS_SEED do the same. The seed is
// printed; it fixes the choices, not the scheduling.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxKeys = 400;
constexpr int kMaxFailures = 20;

struct Options {
  int seconds = 60;
  uint64_t seed = 0;
  int processes = 3;
};

struct Counts {
  int starts = 0;
  int ready = 0;
  int killed_starting = 0;
  int killed_serving = 0;
  int killed_generating = 0;
  int restored = 0;
  int generated = 0;
  int signatures = 0;
  int forgets = 0;
};

// One process slot: a process that is replaced when it was killed.
struct Slot {
  std::unique_ptr<HsmProcess> process;
  bool ready = false;
  bool doomed = false;  // is killed at `kill_at`, ready or not
  Clock::time_point kill_at;
  bool doomed_in_login = false;  // is killed when token.object is truncated
  Clock::time_point started;
  // The operation that is under way.
  std::optional<hsm::v1::Operation> pending;
};

class Stress {
 public:
  explicit Stress(const Options& options)
      : options_(options), random_(options.seed), slots_(static_cast<size_t>(options.processes)) {}

  int Run() {
    const auto end = Clock::now() + std::chrono::seconds(options_.seconds);
    while (Clock::now() < end && failures_ < kMaxFailures) Step();
    for (Slot& slot : slots_) slot = Slot();  // one last kill for each
    CheckEverything();
    Print();
    return failures_ == 0 ? 0 : 1;
  }

 private:
  // What comes first: an answer of some process, or the time to kill one.
  void Step() {
    std::vector<pollfd> polled;
    auto wake = Clock::now() + std::chrono::milliseconds(100);
    for (Slot& slot : slots_) {
      if (slot.process == nullptr) Start(slot);
      if (slot.ready && !slot.pending) Submit(slot);
      polled.push_back({slot.process->fd(), POLLIN, 0});
      if (slot.doomed) wake = std::min(wake, slot.kill_at);
    }
    polled.push_back({watch_, POLLIN, 0});
    const auto wait = std::max(Clock::duration::zero(), wake - Clock::now());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count();
    const timespec timeout{ns / 1'000'000'000, ns % 1'000'000'000};
    ppoll(polled.data(), polled.size(), &timeout, nullptr);
    if (polled.back().revents != 0) KillInLogin();
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].process == nullptr) continue;
      if (slots_[i].doomed && Clock::now() >= slots_[i].kill_at) {
        Kill(slots_[i]);
      } else if (polled[i].revents != 0) {
        Receive(slots_[i]);
      }
    }
  }

  void Start(Slot& slot) {
    slot = Slot();
    slot.process = std::make_unique<HsmProcess>(partition_.directory());
    ++counts_.starts;
    // Half the processes are killed somewhere in their start, and of the others half
    // right at the moment that empties the file with the master key.
    slot.started = Clock::now();
    if (Chance(2)) {
      Doom(slot, start_us_ + start_us_ / 4);
    } else {
      slot.doomed_in_login = Chance(2);
    }
  }

  void Submit(Slot& slot) {
    const int choice = static_cast<int>(random_() % 100);
    if (keys_.empty() || (choice < 25 && keys_.size() < kMaxKeys)) {
      slot.pending =
          GenerateOp(NewRef(), Chance(4) ? v1::ALGORITHM_EDDSA_ED25519 : v1::ALGORITHM_ES256);
      // Some are killed in the middle of it.
      if (Chance(8)) Doom(slot, 10'000);
    } else {
      const auto& [id, key] =
          *std::next(keys_.begin(), static_cast<long>(random_() % keys_.size()));
      slot.pending = choice < 35 ? ForgetOp(id) : SignOp(key.object(), SigningInputFor(key));
      if (Chance(60)) Doom(slot, 1'000);
    }
    if (!slot.process->Post({*slot.pending}).ok()) Unexpected(slot, "does not take a packet");
  }

  void Receive(Slot& slot) {
    auto packet = slot.process->Receive();
    if (!packet.ok()) return Unexpected(slot, "ended by itself");
    if (!slot.ready) {
      slot.ready = true;
      ++counts_.ready;
      // A start takes as long as the machine lets it: kills must fall into it.
      const auto took =
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - slot.started);
      start_us_ = (3 * start_us_ + static_cast<int>(took.count())) / 4;
      for (const std::string& alarm : packet->ready().alarms()) {
        if (!absl::StrContains(alarm, "restored")) continue;
        ++counts_.restored;
        close(watch_);  // the file is another one now
        watch_ = Watch();
      }
      // Ready: a kill that was meant for the start may still come.
      return;
    }
    Judge(slot, packet->results(0));
    slot.pending.reset();
  }

  void Judge(Slot& slot, const hsm::v1::Result& result) {
    if (result.code() != 0) {
      return Unexpected(slot, absl::StrCat("answered ", result.message()));
    }
    switch (slot.pending->verb_case()) {
      case hsm::v1::Operation::kGenerate:
        ++counts_.generated;
        keys_[result.public_key().object().object_id()] = result.public_key();
        break;
      case hsm::v1::Operation::kSignJws: {
        ++counts_.signatures;
        const hsm::v1::SignJws& request = slot.pending->sign_jws();
        if (!Verifies(keys_[request.object().object_id()], request.signing_input(),
                      result.signature().signature())) {
          Fail("a signature does not verify");
        }
        break;
      }
      default:
        ++counts_.forgets;
    }
  }

  // token.object is being rewritten, by one of the processes that start.
  void KillInLogin() {
    for (Slot& slot : slots_) {
      if (slot.process != nullptr && !slot.ready && slot.doomed_in_login) Kill(slot);
    }
    DrainWatch();
  }

  void DrainWatch() const {
    char events[4096];
    while (read(watch_, events, sizeof events) > 0) {
    }
  }

  // A watch for changes of token.object.
  int Watch() const {
    const int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    const std::string path =
        partition_.Path(absl::StrCat(partition_.TokenDirectory(), "/token.object"));
    if (watch < 0 || inotify_add_watch(watch, path.c_str(), IN_MODIFY) < 0) abort();
    return watch;
  }

  void Kill(Slot& slot) {
    if (!slot.ready) {
      ++counts_.killed_starting;
    } else if (slot.pending && slot.pending->has_generate()) {
      ++counts_.killed_generating;
    } else {
      ++counts_.killed_serving;
    }
    slot.process->Kill(SIGKILL);
    slot.process->Wait();
    slot.process.reset();
  }

  void Unexpected(Slot& slot, absl::string_view what) {
    slot.process->CloseSocket();
    slot.process->Kill(SIGKILL);
    const Ended ended = slot.process->Wait();
    Fail(absl::StrCat("a process ", what, " (exit code ", ended.exit_code, ", signal ",
                      ended.signal, "):\n", ended.log));
    slot.process.reset();
  }

  // With a process that nobody kills: everything that was answered for is there.
  void CheckEverything() {
    HsmProcess process(partition_.directory());
    auto ready = process.Ready();
    if (!ready.ok()) return Fail(absl::StrCat("the partition is lost: ", process.Wait().log));
    for (const std::string& alarm : ready->ready().alarms()) {
      if (absl::StrContains(alarm, "restored")) ++counts_.restored;
    }
    for (const auto& [id, key] : keys_) {
      const std::string input = SigningInputFor(key);
      const hsm::v1::Result result = process.CallOne(SignOp(key.object(), input));
      if (result.code() != 0 || !Verifies(key, input, result.signature().signature())) {
        Fail(absl::StrCat("a key was lost: ", result.message()));
      }
    }
    const std::string token_object =
        partition_.Read(absl::StrCat(partition_.TokenDirectory(), "/token.object"));
    if (token_object.size() < partition_.Read("token.object.copy").size() || token_object.empty()) {
      Fail("token.object is damaged after a good login");
    }
    const hsm::v1::Result list = process.CallOne(ListOp("", 1));
    unattributable_ = list.object_list().unattributable();
    if (list.code() != 0) Fail(absl::StrCat("list: ", list.message()));
    if (partition_.Has("pin-latch")) Fail("the partition is latched");
  }

  void Print() const {
    printf(
        "starts %d, ready %d; killed: starting %d, generating %d, serving %d; token.object "
        "restored %d times\n",
        counts_.starts, counts_.ready, counts_.killed_starting, counts_.killed_generating,
        counts_.killed_serving, counts_.restored);
    printf("keys %zu (generates %d), signatures %d, forgets %d, objects of cut-off generates %u\n",
           keys_.size(), counts_.generated, counts_.signatures, counts_.forgets, unattributable_);
    printf("%s: %d failures, seed %llu\n", failures_ == 0 ? "PASSED" : "FAILED", failures_,
           static_cast<unsigned long long>(options_.seed));
  }

  void Fail(absl::string_view what) {
    ++failures_;
    printf("FAILURE: %s\n", std::string(what).c_str());
  }

  bool Chance(unsigned one_in) { return random_() % one_in == 0; }

  void Doom(Slot& slot, int within_us) {
    if (slot.doomed) return;
    slot.doomed = true;
    slot.kill_at =
        Clock::now() + std::chrono::microseconds(random_() % static_cast<unsigned>(within_us));
  }

  hsm::v1::ObjectRef NewRef() {
    std::string id(16, '\0');
    for (char& byte : id) byte = static_cast<char>(random_() & 0xff);
    return Ref(id, absl::StrCat("tenants/t", random_() % 5, "/keys/k", random_() % 100));
  }

  Options options_;
  std::mt19937_64 random_;
  TempPartition partition_;
  int watch_ = Watch();
  std::vector<Slot> slots_;
  std::map<std::string, hsm::v1::PublicKey> keys_;
  Counts counts_;
  uint32_t unattributable_ = 0;
  int start_us_ = 50'000;  // running mean of start to ready
  int failures_ = 0;
};

Options ReadOptions(int argc, char** argv) {
  Options options;
  options.seed = std::random_device()();
  if (const char* seconds = getenv("SEALWARD_STRESS_SECONDS")) options.seconds = atoi(seconds);
  if (const char* seed = getenv("SEALWARD_STRESS_SEED")) options.seed = strtoull(seed, nullptr, 10);
  for (int i = 1; i + 1 < argc; i += 2) {
    const absl::string_view flag = argv[i];
    if (flag == "--seconds") options.seconds = atoi(argv[i + 1]);
    if (flag == "--seed") options.seed = strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--processes") options.processes = atoi(argv[i + 1]);
  }
  return options;
}

}  // namespace
}  // namespace sealward::hsm_test

int main(int argc, char** argv) {
  const auto options = sealward::hsm_test::ReadOptions(argc, argv);
  printf("seed %llu, %d seconds, %d processes\n", static_cast<unsigned long long>(options.seed),
         options.seconds, options.processes);
  fflush(stdout);
  // Each generate flushes the file system; in memory that does not wait for what
  // others write, and the time goes into kills.
  if (access("/dev/shm", W_OK | X_OK) == 0) setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  return sealward::hsm_test::Stress(options).Run();
}
