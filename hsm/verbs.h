// The closed table of verbs, as an interface: what dispatch calls. Tests and the
// fuzzer put something else behind it.
#ifndef SEALWARD_HSM_VERBS_H_
#define SEALWARD_HSM_VERBS_H_

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "hsm/event_flag.h"
#include "sealward/hsm/v1/hsm.pb.h"

namespace sealward::hsm {

// SignTask is an operation that signs, in a packet with others.
struct SignTask {
  const v1::Operation* operation = nullptr;  // sign_jws or sign_raw
  v1::Signature* out = nullptr;
  absl::Status status;
};

// Verbs carries out single operations. Each fills in its value or returns an
// error, which becomes the operation's Result. Not thread-safe.
class Verbs {
 public:
  virtual ~Verbs() = default;

  virtual absl::Status SignJws(const v1::SignJws& request, v1::Signature& out) = 0;
  virtual absl::Status SignRaw(const v1::SignRaw& request, v1::Signature& out) = 0;
  // For packets that only sign. While one is under way nothing but the five below and
  // CheckHealth may be called.
  // Whether they are faster than one operation after the other.
  virtual bool signs_in_parallel() const { return false; }
  // Begins the tasks of a packet; they stay where they are until FinishSigning. Where one
  // finds the HSM gone, others may have been begun already. REQUIRES: signs_in_parallel(); fewer
  // than kMaxPacketsInFlight packets are under way.
  virtual void BeginSigning(std::span<SignTask> /*tasks*/) {}
  // Whether FinishSigning would not wait for a signature. REQUIRES: one is under way.
  virtual bool OldestIsSigned() { return true; }
  // Set when that may have changed; the caller clears it. Null if not signs_in_parallel().
  virtual EventFlag* signed_flag() { return nullptr; }
  // Ends the oldest packet under way, setting each `status`. REQUIRES: one is under way.
  virtual void FinishSigning() {}
  // Forgets the packets under way, after the signatures that were begun. What ends the process,
  // if something did since the packets that were finished; a CKR_PIN_* before anything else.
  virtual absl::Status AbandonSigning() { return absl::OkStatus(); }
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
