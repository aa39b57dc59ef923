#include "hsm/outage.h"

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::hsm {

void Outage::End(Fate fate, CK_RV cause) {
  // The next process may not present a PIN that the HSM objected to, whatever else it said.
  if (end_ == Fate::kLatch || (over() && fate != Fate::kLatch)) return;
  end_ = fate;
  cause_ = cause;
  doubtful_ = 0;
}

void Outage::Failed(const absl::Status& status) {
  const CK_RV rv = pkcs11::RvOf(status);
  if (pkcs11::IsPinRefusal(rv)) {
    End(Fate::kLatch, rv);
  } else if (pkcs11::IsTokenLost(rv)) {
    End(Fate::kReplace, rv);
  } else if (pkcs11::IsDoubtful(rv) && !over()) {
    ++doubtful_;
  }
}

void Outage::Proved(const absl::Status& outcome) {
  doubtful_ = 0;
  if (outcome.ok()) return;
  Failed(outcome);
  End(Fate::kReplace, pkcs11::RvOf(outcome));
}

absl::Status Outage::Refusal() const {
  return MakeError(absl::StatusCode::kUnavailable, "HSM_LOST",
                   absl::StrCat("the HSM was not asked: it is gone for this process (",
                                pkcs11::RvName(cause_), "), which is being replaced"));
}

}  // namespace sealward::hsm
