// The latch that keeps a wrong PIN from being presented twice.
//
// HSMs count wrong PINs and lock or erase themselves after a few. With several
// processes that are restarted when they end, a wrong PIN file would be
// presented until that happens. So:
//
//  - pin-accepted holds the identity of the PIN file that logged in last.
//  - A PIN file of another identity is on trial: pin-latch is written and
//    synced *before* the PIN is presented. It is removed when the PIN was accepted,
//    or cannot have been looked at: the token was gone, memory or sessions were used
//    up. Any other answer leaves it, because some modules refuse a PIN with a value
//    of their vendor's.
//  - An accepted PIN that is refused later (the PIN was changed) writes
//    pin-latch before the process ends.
//  - Any other function that objects to the PIN (expired, locked) writes it, too.
//  - While pin-latch exists, no process presents a PIN. An operator who has put
//    the file right removes it: sealward-hsm clear-pin-latch.
//
// A process that is killed while it presents a PIN on trial leaves the latch; one
// that presents an accepted PIN does not.
#ifndef SEALWARD_HSM_PIN_LATCH_H_
#define SEALWARD_HSM_PIN_LATCH_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hsm/pkcs11/cryptoki.h"

namespace sealward::hsm {

// PinLatch is the latch of the partition in the working directory. REQUIRES:
// every call but Refused and IfRefused under the partition's lock.
class PinLatch {
 public:
  // `identity` is PinFile::identity.
  explicit PinLatch(std::string identity) : identity_(std::move(identity)) {}

  // Exit code 77 (PIN_LATCHED) if the latch is set.
  static absl::Status Check();

  // To be called right before the PIN is presented.
  absl::Status BeforePresenting() const;
  // To be called with the outcome. After a refusal: exit code 77 (PIN_REFUSED); after
  // what may be one, of a PIN on trial: 77 (PIN_DOUBTED). After another failure
  // `outcome` itself; a PIN on trial then stays untried.
  absl::Status AfterPresenting(const absl::Status& outcome) const;

  // Sets the latch because the HSM answered `rv`, a CKR_PIN_*. Waits for no lock: the
  // next process must not be faster. Always an error: exit code 77 (PIN_REFUSED).
  static absl::Status Refused(CK_RV rv);

  // `status`; Refused, if it is of a CKR_PIN_*.
  static absl::Status IfRefused(const absl::Status& status);

  // Removes the latch. Whether there was one.
  static absl::StatusOr<bool> Clear();

 private:
  bool Accepted() const;

  std::string identity_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_PIN_LATCH_H_
