// What the HSM's errors mean for the process.
#ifndef SEALWARD_HSM_OUTAGE_H_
#define SEALWARD_HSM_OUTAGE_H_

#include "absl/status/status.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {

// So many failures in a row that could be the HSM's as well as the key's, and the
// canary has to say which.
inline constexpr int kMaxDoubtfulFailures = 8;

// Whether `rv` decides at once that the process ends. No session is opened then, and
// nothing is tried again.
inline bool EndsTheProcess(CK_RV rv) { return pkcs11::IsPinRefusal(rv) || pkcs11::IsTokenLost(rv); }

// Fate is what has to become of the process.
enum class Fate {
  kServe,    // go on
  kDoubt,    // sign with the canary and tell Proved how that went
  kReplace,  // end: only C_Initialize and a login in a new process can help
  kLatch,    // latch the partition and end: the HSM objects to the PIN
};

// Outage follows how operations end.
//
// A CK_RV is of one of four kinds (hsm/pkcs11/rv.h). Most are the operation's own
// and mean nothing here. IsTokenLost and IsPinRefusal decide at once. In between
// are those of IsDoubtful: memory, "general error", a vendor's own values. They may
// come from one broken key or from a library that lost its connection, so several
// in a row are put to the test. From kLatch there is no way back, and from kReplace none
// but to kLatch.
//
// The process does not log in again by itself, or open new sessions over a lost
// one: object handles may denote other objects after a reconnect, and one login
// that is not counted by the server's backoff is the beginning of a storm. Not
// thread-safe.
class Outage {
 public:
  // An operation failed with `status`.
  void Failed(const absl::Status& status);
  // An operation got a signature or a key pair from the HSM.
  void Succeeded() { doubtful_ = 0; }
  // Outcome of the canary. REQUIRES: fate() is kDoubt.
  void Proved(const absl::Status& outcome);

  Fate fate() const { return doubtful_ >= kMaxDoubtfulFailures ? Fate::kDoubt : end_; }

  // Whether nothing may be asked of the HSM any more.
  bool over() const { return end_ != Fate::kServe; }
  // What operations are told then: UNAVAILABLE (HSM_LOST), without a CK_RV, because
  // the HSM was not asked. REQUIRES: over().
  absl::Status Refusal() const;
  // The CK_RV that ended it; CKR_OK where there was none.
  CK_RV cause() const { return cause_; }

 private:
  void End(Fate fate, CK_RV cause);

  Fate end_ = Fate::kServe;  // or kReplace, kLatch
  CK_RV cause_ = CKR_OK;
  int doubtful_ = 0;  // failures in a row
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_OUTAGE_H_
