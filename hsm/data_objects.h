// The data objects with which a partition remembers things.
//
//   CKA_CLASS        CKO_DATA; CKA_TOKEN and CKA_PRIVATE are true
//   CKA_APPLICATION  "sealward"
//   CKA_LABEL        "sealward:1:mark:" and the object id in hex, for a mark
//                    "sealward:1:epoch" for the epoch
//   CKA_VALUE        proto/sealward/partition/v1/partition.proto
//
// SoftHSM2 cannot change a data object in place: a newer one is made beside it and
// flushed, then the older one is destroyed. A kill in between leaves both; readers
// take the higher one, and whoever writes next clears the other away.
#ifndef SEALWARD_HSM_DATA_OBJECTS_H_
#define SEALWARD_HSM_DATA_OBJECTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hsm/pkcs11/session.h"
#include "hsm/profile.h"

namespace sealward::hsm {

// DataObject is one of them as a search found it.
struct DataObject {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  std::string label;
  std::string value;
};

// DataObjects finds, makes and destroys Sealward's data objects. Making and
// destroying REQUIRE the partition's lock. Not thread-safe.
class DataObjects {
 public:
  DataObjects(const pkcs11::Session& session, const Profile& profile)
      : session_(session), available_(profile.data_objects) {}

  // Whether the HSM has any at all. Without, finding finds none.
  bool available() const { return available_; }
  // OK, or UNIMPLEMENTED (NO_DATA_OBJECTS).
  absl::Status CheckAvailable() const;

  // Those with this label, or all, by one search.
  absl::StatusOr<std::vector<DataObject>> Find(absl::string_view label) const;
  absl::StatusOr<std::vector<DataObject>> FindAll() const;

  absl::Status Make(absl::string_view label, absl::string_view value) const;

  // OK if another process was faster.
  absl::Status Destroy(CK_OBJECT_HANDLE handle) const;

  // Destroys what a process that was killed in Make left: SoftHSM2 writes a data
  // object a dozen times, at first without a label. How many there were.
  absl::StatusOr<int> DestroyUnfinished() const;

 private:
  absl::StatusOr<std::vector<DataObject>> Read(const std::vector<CK_OBJECT_HANDLE>& handles) const;

  const pkcs11::Session& session_;
  bool available_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_DATA_OBJECTS_H_
