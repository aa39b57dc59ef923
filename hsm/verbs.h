// The closed table of verbs, as an interface: what dispatch calls. Tests and the
// fuzzer put something else behind it.
#ifndef SEALWARD_HSM_VERBS_H_
#define SEALWARD_HSM_VERBS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "sealward/hsm/v1/hsm.pb.h"

namespace sealward::hsm {

// Verbs carries out single operations. Each fills in its value or returns an
// error, which becomes the operation's Result. Not thread-safe.
class Verbs {
 public:
  virtual ~Verbs() = default;

  virtual absl::Status SignJws(const v1::SignJws& request, v1::Signature& out) = 0;
  virtual absl::Status Generate(const v1::Generate& request, v1::PublicKey& out) = 0;
  virtual absl::Status GetPublicKey(const v1::GetPublicKey& request, v1::PublicKey& out) = 0;
  virtual absl::Status Forget(const v1::Forget& request) = 0;
  // At most `room_bytes` of serialized objects; `more` is set where that cuts
  // the page short.
  virtual absl::Status List(const v1::List& request, size_t room_bytes, v1::ObjectList& out) = 0;
  virtual absl::Status Describe(v1::Description& out) = 0;
  virtual absl::Status CheckHealth() = 0;
  virtual absl::Status ScheduleDestroy(const v1::ScheduleDestroy& request) = 0;
  virtual absl::Status Destroy(const v1::Destroy& request) = 0;
  virtual absl::Status CancelDestroy(const v1::CancelDestroy& request) = 0;
  virtual absl::Status Revoke(const v1::Revoke& request) = 0;
  // As List.
  virtual absl::Status ListMarks(const v1::ListMarks& request, size_t room_bytes,
                                 v1::MarkList& out) = 0;
  virtual absl::Status ReadEpoch(v1::Epoch& out) = 0;
  virtual absl::Status AdvanceEpoch(const v1::AdvanceEpoch& request, v1::Epoch& out) = 0;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_VERBS_H_
