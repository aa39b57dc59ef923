// Marks and the epoch between processes, and under kills: what is stopped stays
// stopped, what was begun can be finished, and nothing piles up in the partition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/contract/hsm/hsm_process.h"
#include "tests/contract/hsm/mark_operations.h"

namespace sealward::hsm_test {
namespace {

using hsm::v1::Mark;

constexpr char kCanary[] = "sealward-canary1";

class MarksTest : public ::testing::Test {
 protected:
  MarksTest() : partition_(SEALWARD_FAULT_MODULE) {}

  void SetWindow(int seconds) {
    partition_.Write("hsm.toml",
                     absl::StrReplaceAll(partition_.Read("hsm.toml"),
                                         {{"least_destroy_window_s = 86400",
                                           absl::StrCat("least_destroy_window_s = ", seconds)}}));
  }

  // Calls of a PKCS#11 function so far, of all processes.
  size_t Calls(absl::string_view function) const {
    return partition_.Read(absl::StrCat("calls.", function)).size();
  }

  // The process dies before the `n`th call of `function` from now.
  void DieBefore(absl::string_view function, size_t n) {
    partition_.Write("faults", absl::StrCat(function, " ", Calls(function) + n, " die\n"));
  }

  // Objects of the partition, as files.
  int Files() const {
    int count = 0;
    const std::string directory = partition_.Path(partition_.TokenDirectory());
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      count += entry.path().extension() == ".object" ? 1 : 0;
    }
    return count;
  }

  // What a file of an object holds, and when it was written.
  using ObjectFile = std::pair<std::string, std::filesystem::file_time_type>;

  // By path; without token.object, which each login rewrites.
  std::map<std::string, ObjectFile> ObjectFiles() const {
    std::map<std::string, ObjectFile> files;
    const std::string directory = partition_.TokenDirectory();
    for (const auto& entry : std::filesystem::directory_iterator(partition_.Path(directory))) {
      const std::string name = entry.path().filename();
      if (entry.path().extension() != ".object" || name == "token.object") continue;
      files[name] = {partition_.Read(absl::StrCat(directory, "/", name)), entry.last_write_time()};
    }
    return files;
  }

  // "OK", the reason, or "died".
  static std::string Reason(HsmProcess& process, const hsm::v1::Operation& operation) {
    const hsm::v1::Result result = process.CallOne(operation);
    if (result.code() < 0) return "died";
    return result.code() == 0 ? "OK" : result.reason();
  }

  static std::string Sign(HsmProcess& process, int n, const hsm::v1::PublicKey& key) {
    return Reason(process, SignOp(Ref(Id(n)), SigningInputFor(key)));
  }

  static hsm::v1::PublicKey Generate(HsmProcess& process, int n) {
    const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(n)), v1::ALGORITHM_ES256));
    EXPECT_EQ(made.code(), 0) << made.message();
    return made.public_key();
  }

  // A pair that may be destroyed now.
  void MakeScheduled(int n) {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    Generate(process, n);
    ASSERT_EQ(Reason(process, ScheduleOp(Ref(Id(n)), absl::Now())), "OK");
  }

  static Mark::Kind KindOf(HsmProcess& process, int n) {
    const hsm::v1::Result result = process.CallOne(ListMarksOp());
    for (const Mark& mark : result.mark_list().marks()) {
      if (mark.object_id() == Id(n)) return mark.kind();
    }
    return Mark::KIND_UNSPECIFIED;
  }

  static std::string Epoch(HsmProcess& process) {
    const hsm::v1::Epoch epoch = process.CallOne(ReadEpochOp()).epoch();
    return absl::StrCat(epoch.lineage().substr(0, 1), epoch.revision());
  }

  TempPartition partition_;
};

// Another process has a session copy of the key, which goes on signing; so it has to
// be told, and a process that starts has to know by itself.
TEST_F(MarksTest, ARevocationReachesTheOthersByForgetAndNewOnesByThemselves) {
  HsmProcess first(partition_.directory());
  HsmProcess second(partition_.directory());
  ASSERT_TRUE(first.Ready().ok());
  ASSERT_TRUE(second.Ready().ok());
  const hsm::v1::PublicKey key = Generate(first, 1);
  ASSERT_EQ(Sign(second, 1, key), "OK");
  ASSERT_EQ(Reason(first, RevokeOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Sign(first, 1, key), "OBJECT_REVOKED");
  EXPECT_EQ(Reason(second, ForgetOp(Id(1))), "OK");
  EXPECT_EQ(Sign(second, 1, key), "OBJECT_REVOKED");
  HsmProcess third(partition_.directory());
  ASSERT_TRUE(third.Ready().ok());
  EXPECT_EQ(Sign(third, 1, key), "OBJECT_REVOKED");
  EXPECT_EQ(Reason(third, GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)), "TOMBSTONE");
}

// The same for a schedule, there and back; reading the list is enough, too.
TEST_F(MarksTest, AScheduleReachesTheOthersAndIsTakenBack) {
  SetWindow(0);
  HsmProcess first(partition_.directory());
  HsmProcess second(partition_.directory());
  ASSERT_TRUE(first.Ready().ok());
  ASSERT_TRUE(second.Ready().ok());
  const hsm::v1::PublicKey key = Generate(first, 1);
  ASSERT_EQ(Sign(second, 1, key), "OK");
  ASSERT_EQ(Reason(first, ScheduleOp(Ref(Id(1)), absl::Now())), "OK");
  EXPECT_EQ(second.CallOne(ListOp("", 10)).object_list().objects_size(), 1);
  EXPECT_EQ(Sign(second, 1, key), "OBJECT_DESTROY_SCHEDULED");
  ASSERT_EQ(Reason(first, CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(Reason(second, ForgetOp(Id(1))), "OK");
  EXPECT_EQ(Sign(second, 1, key), "OK");
}

// The least window is the signer's configuration; the server reads it from Ready.
TEST_F(MarksTest, TheDefaultWindowIsADay) {
  HsmProcess process(partition_.directory());
  const auto ready = process.Ready();
  ASSERT_TRUE(ready.ok());
  EXPECT_EQ(ready->ready().description().least_destroy_window_s(), 86400);
  EXPECT_TRUE(ready->ready().description().has_marks());
  Generate(process, 1);
  EXPECT_EQ(Reason(process, ScheduleOp(Ref(Id(1)), absl::Now() + absl::Hours(23))),
            "WINDOW_TOO_SHORT");
  EXPECT_EQ(Reason(process, ScheduleOp(Ref(Id(1)), absl::Now() + absl::Hours(25))), "OK");
  EXPECT_EQ(Reason(process, DestroyOp(Ref(Id(1)))), "WINDOW_OPEN");
}

// A search is linear in the partition's objects: one for each pair would make a
// start, or a signature, as slow as the partition is large.
TEST_F(MarksTest, MarksCostNoSearchForEachPairOrSignature) {
  const auto searches_of_start = [this] {
    const size_t before = Calls("C_FindObjectsInit");
    HsmProcess process(partition_.directory());
    EXPECT_TRUE(process.Ready().ok());
    return Calls("C_FindObjectsInit") - before;
  };
  const size_t empty = searches_of_start();
  hsm::v1::PublicKey key;
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    for (int n = 1; n <= 4; ++n) key = Generate(process, n);
    for (int n = 1; n <= 3; ++n) EXPECT_EQ(Reason(process, RevokeOp(Ref(Id(n)))), "OK");
    EXPECT_EQ(Sign(process, 4, key), "OK");
    const size_t before = Calls("C_FindObjectsInit");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Sign(process, 4, key), "OK");
    EXPECT_EQ(Calls("C_FindObjectsInit"), before);
  }
  EXPECT_EQ(searches_of_start(), empty);
}

// kill -9 before each step of destroying. From the tombstone on the pair is dead,
// whatever is left of it; repeating the verb finishes it without a trace.
TEST_F(MarksTest, ADestructionThatWasKilledIsFinishedByRepeatingIt) {
  SetWindow(0);
  const int empty = Files();
  for (int step = 1; step <= 3; ++step) {  // private key, public key, schedule
    MakeScheduled(step);
    hsm::v1::PublicKey key;
    {
      HsmProcess process(partition_.directory());
      ASSERT_TRUE(process.Ready().ok());
      key = process.CallOne(GetOp(Ref(Id(step)))).public_key();
      DieBefore("C_DestroyObject", static_cast<size_t>(step));
      EXPECT_EQ(Reason(process, DestroyOp(Ref(Id(step)))), "died");
    }
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    EXPECT_NE(Sign(process, step, key), "OK");
    EXPECT_EQ(KindOf(process, step), Mark::KIND_DESTROYED);
    EXPECT_EQ(Reason(process, CancelOp(Ref(Id(step)))), "DESTROYED");
    EXPECT_EQ(Reason(process, GenerateOp(Ref(Id(step)), v1::ALGORITHM_ES256)), "TOMBSTONE");
    EXPECT_EQ(Reason(process, DestroyOp(Ref(Id(step)))), "OK");
    EXPECT_EQ(process.CallOne(ListOp("", 10)).object_list().unattributable(), 0U);
    EXPECT_EQ(Files(), empty + step) << "a tombstone each, and nothing else";
  }
}

// Before the tombstone nothing happened.
TEST_F(MarksTest, ADestructionKilledBeforeItsTombstoneDidNothing) {
  SetWindow(0);
  MakeScheduled(1);
  const int files = Files();
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    DieBefore("C_CreateObject", 1);
    EXPECT_EQ(Reason(process, DestroyOp(Ref(Id(1)))), "died");
  }
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  EXPECT_EQ(Files(), files);
  EXPECT_EQ(KindOf(process, 1), Mark::KIND_DESTROY_SCHEDULED);
  EXPECT_EQ(Reason(process, CancelOp(Ref(Id(1)))), "OK");
  EXPECT_TRUE(process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key().existed());
}

// SoftHSM2 changes an object by emptying its file: a kill at that moment costs a key
// its id, and with it the key. So no verb may touch a file that is there already.
TEST_F(MarksTest, NoVerbRewritesAnObject) {
  SetWindow(0);
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::PublicKey key = Generate(process, 1);
  const absl::Time due = absl::Now();
  const std::vector<std::pair<std::string, hsm::v1::Operation>> verbs = {
      {"sign", SignOp(Ref(Id(1)), SigningInputFor(key))},
      {"generate", GenerateOp(Ref(Id(2)), v1::ALGORITHM_EDDSA_ED25519)},
      {"advance", AdvanceOp('a', 1)},
      {"advance again", AdvanceOp('a', 2)},
      {"revoke", RevokeOp(Ref(Id(1)))},
      {"schedule", ScheduleOp(Ref(Id(1)), due)},
      {"schedule later", ScheduleOp(Ref(Id(1)), due + absl::Hours(1))},
      {"cancel", CancelOp(Ref(Id(1)))},
      {"schedule anew", ScheduleOp(Ref(Id(1)), due)},
      {"destroy", DestroyOp(Ref(Id(1)))},
      {"forget", ForgetOp(Id(2))},
      {"list", ListOp("", 10)},
  };
  for (const auto& [name, verb] : verbs) {
    const std::map<std::string, ObjectFile> before = ObjectFiles();
    EXPECT_EQ(Reason(process, verb), "OK") << name;
    const std::map<std::string, ObjectFile> after = ObjectFiles();
    for (const auto& [path, file] : before) {
      const auto still = after.find(path);
      if (still == after.end()) continue;
      EXPECT_EQ(still->second.first, file.first) << name << " rewrote " << path;
      EXPECT_EQ(still->second.second, file.second) << name << " wrote " << path;
    }
  }
}

// The tombstone alone stops a revoked pair: in the process that was killed over it,
// in its successor, and in one that found the pair before.
TEST_F(MarksTest, ARevocationThatWasKilledIsDoneOrNotBegun) {
  HsmProcess witness(partition_.directory());
  ASSERT_TRUE(witness.Ready().ok());
  const hsm::v1::PublicKey key = Generate(witness, 1);
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    DieBefore("C_CreateObject", 1);
    EXPECT_EQ(Reason(process, RevokeOp(Ref(Id(1)))), "died");
  }
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    EXPECT_EQ(Sign(process, 1, key), "OK") << "there is no tombstone";
    EXPECT_EQ(Reason(process, RevokeOp(Ref(Id(1)))), "OK");
    process.Kill(SIGKILL);
  }
  EXPECT_EQ(Reason(witness, ForgetOp(Id(1))), "OK");
  EXPECT_EQ(Sign(witness, 1, key), "OBJECT_REVOKED");
  for (int start = 0; start < 2; ++start) {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    EXPECT_EQ(Sign(process, 1, key), "OBJECT_REVOKED");
    EXPECT_EQ(Reason(process, ForgetOp(Id(1))), "OK");
    EXPECT_EQ(Sign(process, 1, key), "OBJECT_REVOKED");
    EXPECT_EQ(Reason(process, RevokeOp(Ref(Id(1)))), "OK");
  }
}

// kill -9 between the new epoch and the end of the old one leaves both: the higher
// counts, a recovered lineage before the given-up one, and the next writer clears up.
TEST_F(MarksTest, AnEpochThatWasKilledIsTheOldOrTheNewOne) {
  const auto advance_and_die = [this](absl::string_view before, const hsm::v1::Operation& how) {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    DieBefore(before, 1);
    EXPECT_EQ(Reason(process, how), "died");
  };
  const int empty = Files();
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    EXPECT_EQ(Reason(process, AdvanceOp('a', 5)), "OK");
  }
  advance_and_die("C_CreateObject", AdvanceOp('a', 6));
  advance_and_die("C_DestroyObject", AdvanceOp('a', 7));
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    EXPECT_EQ(Files(), empty + 2);
    EXPECT_EQ(Epoch(process), "a7");
    EXPECT_EQ(Reason(process, AdvanceOp('a', 7)), "OK");
    EXPECT_EQ(Files(), empty + 1) << "repeating it clears the old one away";
  }
  advance_and_die("C_DestroyObject", AdvanceOp('b', 2, 'a'));
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  EXPECT_EQ(Files(), empty + 2);
  EXPECT_EQ(Epoch(process), "b2") << "the given-up lineage's revision is higher, but over";
  EXPECT_EQ(Reason(process, AdvanceOp('a', 8)), "OTHER_LINEAGE");
  EXPECT_EQ(Reason(process, AdvanceOp('b', 3)), "OK");
  EXPECT_EQ(Files(), empty + 1);
}

// A schedule that is moved and killed in between stays at the later time.
TEST_F(MarksTest, AMovedScheduleThatWasKilledIsTheLaterOne) {
  SetWindow(0);
  MakeScheduled(1);
  {
    HsmProcess process(partition_.directory());
    ASSERT_TRUE(process.Ready().ok());
    DieBefore("C_DestroyObject", 1);
    EXPECT_EQ(Reason(process, ScheduleOp(Ref(Id(1)), absl::Now() + absl::Hours(1))), "died");
  }
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  EXPECT_EQ(Reason(process, DestroyOp(Ref(Id(1)))), "WINDOW_OPEN");
  DieBefore("C_DestroyObject", 2);  // cancelling: the earlier one goes first
  EXPECT_EQ(Reason(process, CancelOp(Ref(Id(1)))), "died");
  HsmProcess next(partition_.directory());
  ASSERT_TRUE(next.Ready().ok());
  EXPECT_EQ(Reason(next, DestroyOp(Ref(Id(1)))), "WINDOW_OPEN");
  EXPECT_EQ(Reason(next, CancelOp(Ref(Id(1)))), "OK");
  EXPECT_EQ(KindOf(next, 1), Mark::KIND_UNSPECIFIED);
}

// The health check's key is nobody's to end.
TEST_F(MarksTest, TheCanaryStays) {
  SetWindow(0);
  HsmProcess process(partition_.directory());
  ASSERT_TRUE(process.Ready().ok());
  for (const hsm::v1::ObjectRef& ref : {BareRef(kCanary), Ref(kCanary)}) {
    EXPECT_EQ(Reason(process, ScheduleOp(ref, absl::Now())), "CANARY");
    EXPECT_EQ(Reason(process, DestroyOp(ref)), "CANARY");
    EXPECT_EQ(Reason(process, CancelOp(ref)), "CANARY");
  }
  EXPECT_EQ(Reason(process, RevokeOp(Ref(kCanary))), "CANARY");
  EXPECT_EQ(Reason(process, HealthOp()), "OK");
}

// An HSM without data objects signs all the same, and says what it does not have.
TEST(MarksProfileTest, WithoutDataObjectsTheVerbsAreUnimplemented) {
  const TempPartition partition("", "generic");
  setenv("SOFTHSM2_CONF", "softhsm2.conf", 1);  // the generic profile knows no variables
  HsmProcess process(partition.directory());
  const auto ready = process.Ready();
  unsetenv("SOFTHSM2_CONF");
  ASSERT_TRUE(ready.ok());
  EXPECT_FALSE(ready->ready().description().has_marks());
  const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256));
  ASSERT_EQ(made.code(), 0) << made.message();
  for (const hsm::v1::Operation& operation :
       {ScheduleOp(Ref(Id(1)), absl::Now() + absl::Hours(48)), DestroyOp(Ref(Id(1))),
        CancelOp(Ref(Id(1))), RevokeOp(Ref(Id(1))), ListMarksOp(), ReadEpochOp(),
        AdvanceOp('a', 1)}) {
    const hsm::v1::Result result = process.CallOne(operation);
    EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kUnimplemented));
    EXPECT_EQ(result.reason(), "NO_DATA_OBJECTS");
  }
  EXPECT_EQ(process.CallOne(SignOp(Ref(Id(1)), SigningInputFor(made.public_key()))).code(), 0);
}

}  // namespace
}  // namespace sealward::hsm_test
