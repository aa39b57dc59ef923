// Taking key pairs out of use: for a while, for ever, and out of the partition.
#ifndef SEALWARD_HSM_DISPOSAL_H_
#define SEALWARD_HSM_DISPOSAL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "hsm/key_store.h"
#include "hsm/mark_store.h"
#include "hsm/open_partition.h"
#include "hsm/partition_writer.h"

namespace sealward::hsm {

// What a request may have taken on its way: a destroy time may be that much nearer than
// the least window. Half the window where that is less.
inline constexpr absl::Duration kMaxRequestAge = absl::Minutes(1);

// Subject is a pair that is to go: its id, and what its label must say. Without a
// label it is one that no label attributes to a key.
struct Subject {
  ObjectId id{};
  std::optional<ObjectLabel> label;
};

// Disposal carries out the verbs that leave or take away marks. Each changes the
// partition under its lock, flushes, and can be repeated: one that was killed half
// way is finished by the next call. This process forgets the pair; others have to
// be told. REQUIRES: the profile has data objects. Not thread-safe.
//
// FAILED_PRECONDITION: OBJECT_MISMATCH (a label or an earlier mark names another
// key), CANARY, and what the functions say. UNAVAILABLE (PARTITION_LOCKED).
class Disposal {
 public:
  Disposal(const OpenPartition& partition, KeyStore& keys, const MarkStore& marks,
           const PartitionWriter& writer, const Clock& clock)
      : partition_(partition), keys_(keys), marks_(marks), writer_(writer), clock_(clock) {}

  // Schedules destruction; moves a schedule to later, never to earlier. A subject
  // with a label need not exist (its id can then never be generated), one without
  // must: NOT_FOUND (OBJECT_NOT_FOUND). FAILED_PRECONDITION (WINDOW_TOO_SHORT,
  // DESTROYED).
  absl::Status Schedule(const Subject& subject, absl::Time destroy_time);

  // Takes a schedule back; OK if there is none. FAILED_PRECONDITION (DESTROYED).
  absl::Status Cancel(const Subject& subject);

  // Leaves the tombstone, flushes it, and only then destroys everything with this
  // id. FAILED_PRECONDITION (NOT_SCHEDULED, WINDOW_OPEN).
  absl::Status Destroy(const Subject& subject);

  // Leaves a tombstone; the first one's time stays. The pair's objects stay as they are.
  absl::Status Revoke(const Subject& subject, absl::Time revoke_time);

 private:
  // What carries the id: objects and marks.
  struct Found {
    std::vector<FoundObject> objects;
    Marks marks;
  };

  // REQUIRE the lock.
  absl::StatusOr<Found> Look(const Subject& subject) const;
  absl::Status CheckWindow(const Subject& subject, absl::Time destroy_time) const;
  absl::StatusOr<Found> LeaveTombstone(const Subject& subject);
  absl::Status LeaveSchedule(const Subject& subject, absl::Time destroy_time,
                             std::vector<CK_OBJECT_HANDLE>& replaced);
  absl::Status Leave(const Subject& subject, v1::Mark::Kind kind, absl::Time time) const;

  absl::Status RemoveMarks(const std::vector<CK_OBJECT_HANDLE>& handles) const;
  absl::Status RemovePair(const Subject& subject, const Found& found);

  const OpenPartition& partition_;
  KeyStore& keys_;
  const MarkStore& marks_;
  const PartitionWriter& writer_;
  const Clock& clock_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_DISPOSAL_H_
