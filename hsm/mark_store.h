// Marks: what a partition remembers about key pairs besides the pairs themselves.
#ifndef SEALWARD_HSM_MARK_STORE_H_
#define SEALWARD_HSM_MARK_STORE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hsm/data_objects.h"
#include "hsm/object_label.h"
#include "sealward/hsm/v1/hsm.pb.h"

namespace sealward::hsm {

// Marks are those of one object id. A pair that is to be destroyed, or was, can
// have been revoked before; so there can be one of each kind, and more where a
// process was killed while it replaced one.
class Marks {
 public:
  // A mark that cannot be read stands for a revocation: the pair must not sign.
  void Add(const ObjectId& id, const DataObject& object);

  bool empty() const { return marks_.empty(); }
  // The highest of all, and of one kind; nullptr if there is none.
  const v1::Mark* Highest() const;
  const v1::Mark* Of(v1::Mark::Kind kind) const;
  // KIND_UNSPECIFIED if there is none.
  v1::Mark::Kind kind() const;
  // Whether each is of this key, or names none.
  bool BelongTo(absl::string_view key) const;
  // Data objects of this kind, the lowest first.
  std::vector<CK_OBJECT_HANDLE> HandlesOf(v1::Mark::Kind kind) const;

 private:
  struct Entry {
    CK_OBJECT_HANDLE handle;
    v1::Mark mark;
  };
  std::vector<Entry> marks_;  // by kind, then time
};

// MarkStore reads and writes marks. Not thread-safe.
class MarkStore {
 public:
  explicit MarkStore(const DataObjects& objects) : objects_(objects) {}

  // The marks of one id, by one search.
  absl::StatusOr<Marks> For(const ObjectId& id) const;

  // Reads all marks by one search; all() has them then.
  absl::Status Refresh();
  const std::map<ObjectId, Marks, ByBytes>& all() const { return all_; }
  bool refreshed() const { return refreshed_; }
  // Of the last Refresh.
  v1::Mark::Kind KindOf(const ObjectId& id) const;

  // REQUIRE the partition's lock.
  absl::Status Leave(const v1::Mark& mark) const;
  absl::Status Remove(CK_OBJECT_HANDLE handle) const { return objects_.Destroy(handle); }

 private:
  const DataObjects& objects_;
  std::map<ObjectId, Marks, ByBytes> all_;
  bool refreshed_ = false;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_MARK_STORE_H_
