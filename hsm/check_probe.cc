#include "hsm/check_probe.h"

#include <sys/random.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/verifier.h"
#include "hsm/check_optional.h"
#include "hsm/check_rate.h"
#include "hsm/data_objects.h"
#include "hsm/generator.h"
#include "hsm/key_store.h"
#include "hsm/mark_store.h"
#include "hsm/outage.h"
#include "hsm/partition_writer.h"
#include "hsm/pin_latch.h"
#include "hsm/pkcs11/rv.h"
#include "hsm/session_copies.h"
#include "hsm/signer.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kMessage = "sealward-hsm check";

Profile WithoutDataObjects(Profile profile) {
  profile.data_objects = false;
  return profile;
}

// Bench holds what the code that makes keys works with, and knows what it made.
class Bench {
 public:
  Bench(OpenPartition& partition, CheckReport& report)
      : partition_(partition),
        report_(report),
        copies_(*partition.objects, /*limit=*/0),
        data_objects_(*partition.objects, WithoutDataObjects(*partition.config.profile)),
        marks_(data_objects_),
        keys_(*partition.objects, copies_, marks_, clock_),
        writer_(partition.config, /*peer_fd=*/-1),
        optional_(partition, keys_, writer_, outage_, report) {}

  absl::Status Run();

 private:
  void TryAlgorithm(const Mechanism& row, AlgorithmFinding& found);
  void Make(const Mechanism& row, AlgorithmFinding& found);
  absl::Status SignAs(const Mechanism& row, KeyObject& pair);
  void SearchEverything();
  void JudgeCanary();
  void CountSessions();
  void MeasureRates(const KeyObject& object);
  absl::Status Destroy(const KeyObject& object);
  absl::Status DestroyHalves(const KeyObject& object);
  void DestroyAll();
  // As it is, after a look at whether the HSM objects to the PIN or is gone.
  absl::Status Seen(absl::Status status) {
    outage_.Failed(status);
    return status;
  }
  const pkcs11::Session& session() const { return *partition_.objects; }

  OpenPartition& partition_;
  CheckReport& report_;
  SystemClock clock_;
  SessionCopies copies_;
  DataObjects data_objects_;
  MarkStore marks_;
  KeyStore keys_;
  PartitionWriter writer_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<Generator> generator_;
  std::vector<KeyObject*> pairs_;  // one of each kind of key
  size_t remnants_ = 0;            // pairs that did not sign and are not all gone
  Outage outage_;                  // once over, nothing is tried any more
  OptionalTrials optional_;
};

absl::Status Bench::Destroy(const KeyObject& object) {
  auto lock = writer_.Lock();
  if (!lock.ok()) return lock.status();
  // Over a lost token a handle may denote another object.
  absl::Status status = outage_.over() ? outage_.Refusal() : Seen(DestroyHalves(object));
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), "; a pair with CKA_ID ",
                                                  Hex(object.id), " stays behind"));
}

// By handles of now: those from before may be stale.
absl::Status Bench::DestroyHalves(const KeyObject& object) {
  auto halves = keys_.Search(object.id);
  if (!halves.ok()) return halves.status();
  for (const FoundObject& half : *halves) {
    if (half.label != object.label_text) continue;
    if (absl::Status s = session().Destroy(half.handle); !s.ok()) return s;
  }
  const auto rest = keys_.Search(object.id);
  if (!rest.ok()) return rest.status();
  return rest->empty() ? absl::OkStatus()
                       : absl::InternalError(absl::StrCat("C_DestroyObject went well, and ",
                                                          rest->size(), " objects are there"));
}

bool SameKind(const Mechanism& a, const Mechanism& b) {
  return a.key_type == b.key_type && a.ec_params == b.ec_params && a.size_bits == b.size_bits;
}

void Bench::TryAlgorithm(const Mechanism& row, AlgorithmFinding& found) {
  for (KeyObject* pair : pairs_) {
    if (!SameKind(row, *pair->mechanism)) continue;
    const absl::Status s = Seen(SignAs(row, *pair));
    found.outcome = s.ok() ? Outcome::kYes : Outcome::kNo;
    found.detail = s.ok() ? "signs, and the public key verifies" : std::string(s.message());
    return;
  }
  Make(row, found);
}

// Making RSA pairs takes seconds: one signs with every algorithm of its kind.
absl::Status Bench::SignAs(const Mechanism& row, KeyObject& pair) {
  if (absl::Status s = signer_->Settle(); !s.ok()) return s;
  const Mechanism* const own = std::exchange(pair.mechanism, &row);
  std::string signature;
  const CK_RV rv = signer_->TryOnce(pair, {kMessage}, signature);
  pair.mechanism = own;
  if (rv != CKR_OK) return pkcs11::RvStatus(rv, "C_Sign");
  auto verifier = Verifier::Create(*row.algorithm, pair.spki);
  if (!verifier.ok()) return verifier.status();
  return (*verifier)->Verify(kMessage, signature)
             ? absl::OkStatus()
             : absl::InternalError("its public key does not verify what it signs");
}

void Bench::Make(const Mechanism& row, AlgorithmFinding& found) {
  ObjectId id{};
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) return;
  ObjectLabel label;
  label.purpose = v1::OBJECT_PURPOSE_JWT;
  label.key = std::string(kCheckKey);
  if (!IsUsual(*row.algorithm)) label.jose_alg = std::string(row.algorithm->jose_alg);
  const absl::Time start = absl::Now();
  auto pair = generator_->Ensure(id, label.ToString(), row);
  found.outcome = pair.ok() ? Outcome::kYes : Outcome::kNo;
  if (!pair.ok()) {
    found.detail = std::string(Seen(pair.status()).message());
    // Who refuses a pair destroys it, if the module lets go of one that would not sign.
    const bool gone = !outage_.over() && [&] {
      const auto rest = keys_.Search(id);
      return Seen(rest.status()).ok() && rest->empty();
    }();
    if (!gone) ++remnants_;
    return;
  }
  pairs_.push_back(pair->object);
  found.detail = absl::StrFormat("a pair in %d ms; it signs, and its public key verifies",
                                 absl::ToInt64Milliseconds(absl::Now() - start));
  if (pairs_.size() == 1) optional_.Try(*pair->object);
}

// serve begins with it.
void Bench::SearchEverything() {
  pkcs11::Template everything;
  AddFinding(report_, /*required=*/true, "C_FindObjects of everything",
             Seen(session().Find(everything).status()), "");
}

// serve makes one of the first algorithm that it can have, and tries no other.
void Bench::JudgeCanary() {
  const Mechanism* const row = CanaryMechanism(partition_.mechanisms);
  if (row == nullptr || outage_.over()) return;
  const auto tried =
      std::ranges::find(report_.algorithms, row->algorithm->name, &AlgorithmFinding::name);
  if (tried->outcome == Outcome::kYes) return;
  const auto canary = keys_.Search(kCanaryId);
  if (Seen(canary.status()).ok() && CompletePair(*canary)) return;
  const auto finding = std::ranges::find(report_.findings, kCanaryFinding, &Finding::what);
  finding->outcome = Outcome::kNo;
  finding->detail = absl::StrCat("it would be ", tried->name, ": ", tried->detail);
}

// A module with fewer serves, too, but slower if it is far away.
void Bench::CountSessions() {
  const size_t count = partition_.signing.size();
  const bool locks = partition_.threads == pkcs11::Threads::kSeveral;
  absl::Status status;
  if (count < kCheckSessions) {
    status = absl::FailedPreconditionError(
        locks ? absl::StrCat("it has ", count, " beside the one that looks (CKR_SESSION_COUNT)")
              : "it cannot lock (CKR_CANT_LOCK)");
  }
  AddFinding(report_, /*required=*/false,
             absl::StrCat(kCheckSessions, " sessions that sign at once"), status, "",
             absl::StrCat("a process has at most ", count, " signatures in flight"));
}

void Bench::MeasureRates(const KeyObject& object) {
  if (object.mechanism->hash != 0) return;  // a mechanism with parameters
  for (const size_t wanted : std::set<size_t>{1, partition_.signing.size()}) {
    ThreadTeam team(wanted);
    const size_t sessions = team.size();
    auto rate = SignRate(partition_, object, team, kRateDuration);
    Seen(rate.status()).IgnoreError();
    report_.rates.push_back(
        rate.ok() ? absl::StrFormat("%s, %2d session%s at once: %6.0f signatures a second",
                                    object.mechanism->algorithm->name, sessions,
                                    sessions == 1 ? " " : "s", *rate)
                  : absl::StrCat(sessions, " sessions at once: ", rate.status().message()));
  }
}

absl::Status Bench::Run() {
  auto signer = Signer::Create(partition_, keys_, copies_);
  if (!signer.ok()) return signer.status();
  signer_ = *std::move(signer);
  generator_ = std::make_unique<Generator>(partition_, keys_, marks_, *signer_, writer_);
  SearchEverything();
  for (const Mechanism* row : partition_.mechanisms) {
    for (AlgorithmFinding& found : report_.algorithms) {
      if (found.name == row->algorithm->name && !outage_.over()) TryAlgorithm(*row, found);
    }
  }
  JudgeCanary();
  CountSessions();
  // After all that signs with these sessions, because it may leave one in doubt.
  if (!pairs_.empty() && !outage_.over() && Seen(signer_->Settle()).ok()) {
    MeasureRates(*pairs_.front());
  }
  DestroyAll();
  if (outage_.fate() == Fate::kLatch) return PinLatch::Refused(outage_.cause());
  return absl::OkStatus();
}

void Bench::DestroyAll() {
  absl::Status status;
  for (const KeyObject* pair : pairs_) status.Update(Destroy(*pair));
  if (remnants_ > 0) {
    status.Update(absl::InternalError(absl::StrCat(
        remnants_, " pairs that did not sign stay behind; their label names ", kCheckKey)));
  }
  if (optional_.leaves_data_object()) {
    status.Update(absl::InternalError("a data object stays behind"));
  }
  AddFinding(report_, /*required=*/true, "C_DestroyObject", status, "");
  // It was not seen to work where there was nothing to destroy.
  if (status.ok() && pairs_.empty()) report_.findings.back().outcome = Outcome::kNotTried;
  report_.acts.emplace_back("logged in once");
  report_.acts.push_back(absl::StrCat(pairs_.size() + remnants_, " key pairs made",
                                      status.ok() ? " and destroyed again; nothing else was changed"
                                                  : "; NOT all that was made was destroyed"));
}

}  // namespace

absl::Status Probe(OpenPartition& partition, CheckReport& report) {
  return Bench(partition, report).Run();
}

}  // namespace sealward::hsm
