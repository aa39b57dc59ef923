// What a fake partition remembers besides its key pairs: the rules of marks and
// epoch (proto/sealward/hsm/v1/hsm.proto) in memory.
#ifndef SEALWARD_TESTS_FAKES_FAKE_MARKS_H_
#define SEALWARD_TESTS_FAKES_FAKE_MARKS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"

namespace sealward::fakes {

// FakeMarks answers as sealward-hsm does, apart from what depends on the pairs
// themselves, which FakePartition checks first. Not thread-safe.
class FakeMarks {
 public:
  absl::Status Schedule(const hsm::v1::ScheduleDestroy& request, absl::Time now,
                        absl::Duration least_window);
  // Whether the pair may be destroyed now; leaves the tombstone.
  absl::Status BeginDestroy(const hsm::v1::Destroy& request, absl::Time now);
  // The pair is gone: the schedule goes, too.
  void EndDestroy(const std::string& object_id);
  absl::Status Cancel(const hsm::v1::CancelDestroy& request);
  absl::Status Revoke(const hsm::v1::Revoke& request);
  hsm::v1::MarkList List(const hsm::v1::ListMarks& request) const;
  absl::Status Advance(const hsm::v1::AdvanceEpoch& request);

  // FAILED_PRECONDITION if the pair must not sign.
  absl::Status CheckSigns(const std::string& object_id) const;
  // FAILED_PRECONDITION if no pair may be made or found under this id.
  absl::Status CheckGenerates(const std::string& object_id) const;
  // FAILED_PRECONDITION (OBJECT_MISMATCH) if a mark names another key.
  absl::Status CheckKey(const hsm::v1::ObjectRef& ref) const;

  // The highest mark of an object.
  std::optional<hsm::v1::Mark> Get(const std::string& object_id) const;
  const hsm::v1::Epoch& epoch() const { return epoch_; }
  void set_epoch(hsm::v1::Epoch epoch) { epoch_ = std::move(epoch); }

 private:
  // By kind; several may stand beside each other.
  using Marks = std::map<hsm::v1::Mark::Kind, hsm::v1::Mark>;

  bool Has(const std::string& object_id, hsm::v1::Mark::Kind kind) const;
  hsm::v1::Mark& Leave(const hsm::v1::ObjectRef& ref, hsm::v1::Mark::Kind kind, int64_t time_us);

  std::map<std::string, Marks> marks_;
  hsm::v1::Epoch epoch_;
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_FAKE_MARKS_H_
