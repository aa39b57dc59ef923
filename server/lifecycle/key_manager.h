// Creating and changing keys: intent, HSM, commit.
#ifndef SEALWARD_SERVER_LIFECYCLE_KEY_MANAGER_H_
#define SEALWARD_SERVER_LIFECYCLE_KEY_MANAGER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/catalog/catalog.h"
#include "server/hsm_client/partitions.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/key_leases.h"
#include "server/lifecycle/new_key.h"
#include "server/lifecycle/plan.h"
#include "server/telemetry/metrics.h"

namespace sealward::lifecycle {

// CKA_ID of every object.
inline constexpr size_t kObjectIdBytes = 16;
// How long one generation may take (RSA-4096 in software: seconds).
inline constexpr absl::Duration kGenerateTimeout = absl::Seconds(30);
// When a key that somebody else works on is looked at again.
inline constexpr absl::Duration kBusyRetryDelay = absl::Milliseconds(100);
// How often a change is decided again after somebody else's came first.
inline constexpr int kMaxCommitAttempts = 5;
// Versions that one change of a key may touch: below store::kMaxTransactionOperations,
// with room for what is committed along with them.
inline constexpr size_t kMaxVersionsPerChange = 100;
// How long one change of marks in the partition may take.
inline constexpr absl::Duration kMarkTimeout = absl::Seconds(30);
// When a destruction is tried again that the HSM cannot carry out at all.
inline constexpr absl::Duration kDestroyImpossibleRetryDelay = absl::Hours(1);

// `count` random bytes that nobody can guess.
using RandomBytes = std::function<std::string(size_t count)>;
// From the system (OpenSSL's RAND_bytes; ends the process if that fails).
std::string SystemRandomBytes(size_t count);

// Rotation is a switch of signing, planned or done.
struct Rotation {
  std::shared_ptr<const catalog::Key> key;  // after the change
  std::optional<size_t> predecessor;        // indices into key->versions
  size_t successor = 0;
  absl::Time at;
  bool already_planned = false;
};

// Means is what a call of Advance may use.
enum class Means { kStore, kStoreAndHsm };

// Progress is how far Advance came.
struct Progress {
  absl::Time wake = absl::InfiniteFuture();    // when to ask again; past for at once
  bool needs_hsm = false;                      // something is due that needs the HSM …
  absl::Time hsm_wake = absl::InfinitePast();  // … and is of no use before this
};

// KeyManager changes keys: it records the intent in the store, acts in the HSM,
// and commits the outcome. A crash between any two of these leaves an intent
// that Advance takes up again; the object is found by its id, so no key pair is
// made twice. Nothing here decides about times: that is plan.h.
//
// Threads: every call from any thread. CreateKey, RotateKey and Advance of one key
// wait for each other; what changes a key besides is decided by the store's conditions.
// All block on the store, and on the HSM where they say so.
//
// Errors, besides those named: UNAVAILABLE (HSM_UNAVAILABLE,
// PARTITION_NOT_CONFIGURED for a key of a tenant whose partition the
// configuration no longer has, and the store's),
// DEADLINE_EXCEEDED (KEY_BUSY), INTERNAL; of what needs a key pair also those of
// Epochs::CheckUsable. What a person asks for is noted in the partition (Epochs) before
// these return; what Advance does, by whoever called it.
class KeyManager {
 public:
  // All pointers outlive it.
  struct Options {
    catalog::Catalog* catalog = nullptr;
    const hsm_client::Partitions* partitions = nullptr;
    const Clock* clock = nullptr;  // lifecycle time
    telemetry::Metrics* metrics = nullptr;
    Epochs* epochs = nullptr;
    RandomBytes random = SystemRandomBytes;
    // The system's clock, by which deadlines are; null for `clock`.
    const Clock* wall = nullptr;
    // Adds the clock's state to a transaction (ClockKeeper::AddTo); empty for nothing.
    std::function<void(store::Transaction&)> stamp = nullptr;
  };
  explicit KeyManager(Options options) : options_(std::move(options)) {}

  // Whether CreateKey could do it now: errors of CheckNewKey and
  // CheckAlgorithmOffered (new_key.h).
  absl::Status CheckCreateKey(const NewKey& key) const;

  // Creates the key and generates its first version. Where the generation fails
  // the key exists, with a PENDING version that the driver goes on with.
  absl::StatusOr<std::shared_ptr<const catalog::Key>> CreateKey(const NewKey& key,
                                                                absl::Time deadline);

  // Whether the key is as the caller last saw it.
  using Precondition = absl::FunctionRef<bool(const catalog::Key&)>;

  // Plans the switch to the key's successor (plan.h, PlanRotation), generating
  // one where there is none. NOT_FOUND (NOT_FOUND); ABORTED (ETAG_MISMATCH) if
  // `unchanged` says no; FAILED_PRECONDITION (KEY_NOT_READY) if the key neither
  // signs nor will.
  absl::StatusOr<Rotation> RotateKey(absl::string_view name, Precondition unchanged,
                                     absl::Time deadline);

  // What RotateKey would do now. Changes nothing; a successor that would have to
  // be generated is the last of key->versions, without public key.
  absl::StatusOr<Rotation> PreviewRotation(absl::string_view name, Precondition unchanged) const;

  // What a key is to be: `seen` with what changes about it and its versions (not
  // their number), or an error that ends the change. `course` and `now` are what to
  // decide by. Called again where somebody else's change came first; must not block.
  using Decide = absl::FunctionRef<absl::StatusOr<catalog::Key>(
      const catalog::Key& seen, const KeyCourse& course, absl::Time now)>;
  // Adds to the transaction what must be committed with the change: an approval that
  // it uses up, for example.
  using Amend = absl::FunctionRef<void(store::Transaction&)>;
  using KeyPtr = std::shared_ptr<const catalog::Key>;

  // Changes a key as `decide` says, in one transaction, and returns it as it is then.
  // Waits for nobody who works on the key: a revocation must not wait for an HSM that
  // is busy, or gone. Nothing is begun after `deadline`.
  // NOT_FOUND (NOT_FOUND); ABORTED (ETAG_MISMATCH) if `unchanged` says no, also about
  // a change that comes in between; ABORTED (CONCURRENT_CHANGE) after
  // kMaxCommitAttempts, or where a condition of `amend` does not hold;
  // FAILED_PRECONDITION (TOO_MANY_VERSIONS) beyond kMaxVersionsPerChange; `decide`'s.
  absl::StatusOr<KeyPtr> ChangeKey(absl::string_view name, Precondition unchanged, Decide decide,
                                   absl::Time deadline, Amend amend);

  // As ChangeKey, without waiting for the HSM: the partition's epoch is advanced by the
  // driver's next pass. For a revocation, whose tombstones bear witness too.
  absl::StatusOr<KeyPtr> ChangeKeyAtOnce(absl::string_view name, Precondition unchanged,
                                         Decide decide, absl::Time deadline);

  // Makes every process of the key's partition drop what it keeps of these versions
  // (indices), so that it looks the objects and their marks up again. Returns once each
  // has acknowledged or has been replaced. Errors as Partition::ForgetEverywhere.
  absl::Status ForgetVersions(const catalog::Key& key, std::span<const size_t> versions,
                              absl::Time deadline);

  // Leaves tombstones in the partition for those of these versions (indices) that are
  // revoked and have none yet, has every process forget them, and records that
  // (VersionTimes::revoke_marked). Where the HSM has no marks, the record alone counts.
  // What is left undone by an error, Advance makes up for.
  absl::StatusOr<KeyPtr> MarkRevoked(absl::string_view name, std::span<const size_t> versions,
                                     absl::Time deadline);

  // Whether the key's partition offers `algorithm` for new versions: NOT_FOUND, and
  // errors of CheckAlgorithmOffered (new_key.h).
  absl::Status CheckAlgorithm(absl::string_view name, const AlgorithmInfo& algorithm) const;

  // Generates a version to follow what signs though there may be one, and returns its
  // number: for a revocation that would leave the key without any. Room in the JWKS is
  // not looked at, because the revoked ones leave it.
  absl::StatusOr<int64_t> PrepareSuccessor(absl::string_view name, absl::Time deadline);

  // Reports a change of a key that was committed without ChangeKey, as one of many.
  void Changed(absl::string_view name);

  // Does what PlanStep finds due for a key: the store's part in one transaction, then,
  // where `means` says so, each thing that needs the HSM once, as intent, HSM, commit;
  // at most one key pair is generated. So a key moves one state at a time, and an HSM
  // that is out of reach delays nothing that does not need it. A key that somebody works
  // on is left to them for kBusyRetryDelay; they report its change when they are done.
  // Of several errors in the HSM the first.
  absl::StatusOr<Progress> Advance(absl::string_view name, Means means);
  // As that with both, and when to ask again; InfinitePast for at once.
  absl::StatusOr<absl::Time> Advance(absl::string_view name);

  // Since when something has been due for the key, or when it will be: DueSince in
  // due_change.h.
  absl::Time DueSince(const catalog::Key& key) const;

  // For deadlines; Now of `clock` is for everything that is stored.
  absl::Time WallNow() const;

  // Called after every change of a key, and where one was left half done; must
  // not block. An empty function ends it.
  void OnChange(std::function<void(absl::string_view key)> listener);

 private:
  absl::StatusOr<KeyLeases::Lease> Lease(absl::string_view name, absl::Time deadline);
  absl::StatusOr<KeyPtr> Find(absl::string_view name) const;
  KeyCourse Course(const catalog::Key& key) const;
  absl::StatusOr<KeyPtr> FindUnchanged(absl::string_view name, Precondition unchanged) const;
  absl::Status Commit(store::Transaction transaction);
  absl::Status CommitDue(absl::string_view name);
  absl::Status ActInHsm(absl::string_view name, absl::Time& wake);
  absl::Status MarkAllRevoked(const catalog::Key& key);
  absl::Status MarkDestroy(const catalog::Key& key, size_t index);
  absl::Status UnmarkDestroy(const catalog::Key& key, size_t index);
  absl::Status DestroyVersion(const catalog::Key& key, size_t index, absl::Time& wake);
  absl::Status RecordDestroyed(const catalog::Key& key, size_t index);
  // As ChangeKey, telling nobody.
  absl::StatusOr<KeyPtr> ChangeQuietly(absl::string_view name, Precondition unchanged,
                                       Decide decide, absl::Time deadline, Amend amend);
  void NoteEpoch(const absl::StatusOr<KeyPtr>& changed);
  // STORE_OLDER_THAN_PARTITION; an HSM that is away may come back.
  absl::Status CheckNotOlder(absl::string_view partition) const;
  absl::StatusOr<hsm_client::Partition*> UsablePartition(absl::string_view partition) const;
  absl::StatusOr<KeyPtr> RecordMarks(absl::string_view name,
                                     absl::FunctionRef<void(std::vector<VersionTimes>&)> record);
  absl::Status RecordNewKey(const NewKey& key) ABSL_LOCKS_EXCLUDED(places_mu_);
  // Index of a version without a key pair that may still be generated.
  static std::optional<size_t> FirstPending(const catalog::Key& key, absl::Time now);
  // Whether a successor may be one key more than the validators of its issuer take: only
  // where a stolen key has to be replaced.
  enum class Bound { kJwks, kNone };
  absl::StatusOr<KeyPtr> AddIntent(const KeyPtr& key, Bound bound) ABSL_LOCKS_EXCLUDED(places_mu_);
  absl::StatusOr<KeyPtr> Generate(KeyPtr key, size_t index, absl::Time deadline);
  absl::StatusOr<KeyPtr> MakeSuccessor(KeyPtr key, Bound bound, absl::Time deadline);
  absl::StatusOr<Rotation> ApplyOrMakeSuccessor(KeyPtr& key, absl::Time deadline, bool& done);
  catalog::KeyVersion NewIntent(const AlgorithmInfo& algorithm, int64_t number);

  const Options options_;
  KeyLeases leases_;
  // From the count of an issuer's keys to the intent that takes a place in its JWKS: two
  // keys do not take the last one.
  absl::Mutex places_mu_;
  absl::Mutex listener_mu_;
  std::function<void(absl::string_view)> listener_ ABSL_GUARDED_BY(listener_mu_);
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_SERVER_LIFECYCLE_KEY_MANAGER_H_
