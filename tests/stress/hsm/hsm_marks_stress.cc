// sealward-hsm is killed with SIGKILL at random while it schedules, cancels, revokes,
// destroys and advances the epoch, inside SoftHSM2's own steps, too. Each verb is
// repeated until it is answered. Then: what was revoked, scheduled or destroyed does
// not sign, what was destroyed is gone, no pair has lost its CKA_ID, the epoch never
// went back, and of marks and epochs there is one each.
//
//   hsm_marks_stress [--seconds N] [--seed S]
//
// SEALWARD_STRESS_SECONDS and SEALWARD_STRESS_SEED do the same.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/contract/hsm/hsm_process.h"
#include "tests/contract/hsm/mark_operations.h"

namespace sealward::hsm_test {
namespace {

constexpr int kMaxKeys = 250;
constexpr unsigned kLongestVerbUs = 12'000;
constexpr int kMaxTries = 50;

class Stress {
 public:
  Stress(int seconds, uint64_t seed) : seconds_(seconds), random_(seed) {
    partition_.Write("hsm.toml", absl::StrReplaceAll(partition_.Read("hsm.toml"),
                                                     {{"_window_s = 86400", "_window_s = 0"}}));
  }

  int Run() {
    const absl::Time end = absl::Now() + absl::Seconds(seconds_);
    for (int n = 1; absl::Now() < end && n <= kMaxKeys && failures_ == 0; ++n) Course(n);
    CheckNothingPiledUp();
    printf("%d kills, %d starts, %d pairs; %u remnants of data objects\n", kills_, starts_, pairs_,
           remnants_);
    printf("%s: %d failures\n", failures_ == 0 ? "PASSED" : "FAILED", failures_);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  // One pair's life.
  void Course(int n) {
    const hsm::v1::ObjectRef ref = Ref(Id(n));
    const hsm::v1::PublicKey key = Do(GenerateOp(ref, v1::ALGORITHM_ES256), false).public_key();
    const hsm::v1::Operation sign = SignOp(ref, SigningInputFor(key));
    ++pairs_;
    Expect(sign, "");
    Advance();
    const bool revoke = random_() % 2 == 0;
    if (revoke) {
      Do(RevokeOp(ref), true);
      Expect(sign, "OBJECT_REVOKED");
    }
    Do(ScheduleOp(ref, absl::Now()), true);
    Expect(sign, revoke ? "OBJECT_REVOKED" : "OBJECT_DESTROY_SCHEDULED");
    const bool destroyed = random_() % 3 != 0;
    if (!destroyed) {
      Do(CancelOp(ref), true);
      Expect(sign, revoke ? "OBJECT_REVOKED" : "");
    } else {
      Do(DestroyOp(ref), true);
      Expect(GetOp(ref), "OBJECT_NOT_FOUND");
      Expect(GenerateOp(ref, v1::ALGORITHM_ES256), "TOMBSTONE");
      ++destroyed_;
    }
    marked_ += revoke || destroyed ? 1 : 0;
  }

  void Advance() {
    Do(AdvanceOp('a', ++revision_), true);
    const int64_t read = Do(ReadEpochOp(), false).epoch().revision();
    if (read != revision_) Fail(absl::StrCat("the epoch is ", read, ", not ", revision_));
  }

  void Expect(const hsm::v1::Operation& operation, const std::string& reason) {
    const hsm::v1::Result result = Process().CallOne(operation);
    if (result.reason() != reason || (result.code() == 0) != reason.empty()) {
      Fail(absl::StrCat("expected \"", reason, "\": ", result.code(), " ", result.message()));
    }
  }

  // Repeats the operation until it is answered; with `kill`, most tries are killed.
  hsm::v1::Result Do(const hsm::v1::Operation& operation, bool kill) {
    for (int i = 0; i < kMaxTries; ++i) {
      HsmProcess& process = Process();
      if (!kill || random_() % 4 == 0 || i + 1 == kMaxTries) {
        hsm::v1::Result result = process.CallOne(operation);
        if (result.code() != 0) Fail(absl::StrCat("answered ", result.message()));
        return result;
      }
      if (!process.Post({operation}).ok()) Fail("takes no packet");
      const auto kill_at =
          std::chrono::steady_clock::now() + std::chrono::microseconds(random_() % kLongestVerbUs);
      while (std::chrono::steady_clock::now() < kill_at) continue;  // a few milliseconds
      process.Kill(SIGKILL);
      process_.reset();
      ++kills_;
    }
    return {};
  }

  HsmProcess& Process() {
    if (process_ != nullptr) return *process_;
    process_ = std::make_unique<HsmProcess>(partition_.directory());
    ++starts_;
    if (!process_->Ready().ok()) {
      Fail(absl::StrCat("does not start: ", process_->Wait().log));
      exit(1);
    }
    return *process_;
  }

  void CheckNothingPiledUp() {
    const hsm::v1::ObjectList list = Do(ListOp("", 256), false).object_list();
    if (list.objects_size() != pairs_ - destroyed_) Fail("pairs that should be gone, or are lost");
    // Of pairs none: those were all counted above. A data object that was killed in its
    // very first step has no class, and nobody can say what it is.
    remnants_ = list.unattributable();
    const int marks = Do(ListMarksOp(), false).mark_list().marks_size();
    if (marks != marked_) Fail(absl::StrCat(marks, " marks, not ", marked_));
  }

  void Fail(const std::string& what) {
    ++failures_;
    printf("FAILURE: %s\n", what.c_str());
  }

  int seconds_;
  std::mt19937_64 random_;
  TempPartition partition_;
  std::unique_ptr<HsmProcess> process_;
  int64_t revision_ = 0;
  int pairs_ = 0;
  int destroyed_ = 0;
  int marked_ = 0;
  int kills_ = 0;
  int starts_ = 0;
  uint32_t remnants_ = 0;
  int failures_ = 0;
};

}  // namespace
}  // namespace sealward::hsm_test

int main(int argc, char** argv) {
  int seconds = 45;
  uint64_t seed = std::random_device()();
  if (const char* value = getenv("SEALWARD_STRESS_SECONDS")) seconds = atoi(value);
  if (const char* value = getenv("SEALWARD_STRESS_SEED")) seed = strtoull(value, nullptr, 10);
  for (int i = 1; i + 1 < argc; i += 2) {
    const absl::string_view flag = argv[i];
    if (flag == "--seconds") seconds = atoi(argv[i + 1]);
    if (flag == "--seed") seed = strtoull(argv[i + 1], nullptr, 10);
  }
  printf("seed %llu, %d seconds\n", static_cast<unsigned long long>(seed), seconds);
  fflush(stdout);
  // In memory a flush does not wait for what others write.
  if (access("/dev/shm", W_OK | X_OK) == 0) setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  return sealward::hsm_test::Stress(seconds, seed).Run();
}
