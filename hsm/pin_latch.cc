#include "hsm/pin_latch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "hsm/config.h"
#include "hsm/exit_codes.h"
#include "hsm/files.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kAdvice =
    "no process presents the PIN again until an operator has put the PIN file right and run "
    "sealward-hsm clear-pin-latch --dir D";

absl::Status SetLatch() {
  // A staging file of the process's own, because not everybody holds the lock.
  return ReplaceFile(kPinLatchFile, absl::StrCat(kStagingFile, ".", getpid()),
                     "A PIN was refused, or its trial was cut off or in doubt.\n");
}

// Whether a login that ended with `rv` did not get as far as the PIN.
bool WasNotLookedAt(CK_RV rv) { return pkcs11::IsTokenLost(rv) || pkcs11::IsExhausted(rv); }

}  // namespace

absl::Status PinLatch::Check() {
  struct stat latch{};
  if (lstat(kPinLatchFile, &latch) != 0 && errno == ENOENT) return absl::OkStatus();
  return ExitError(
      kExitPinLatched, "PIN_LATCHED",
      absl::StrCat(
          "the partition is latched: its PIN was refused, or a process tried a new one and was "
          "killed, or the HSM's answer may have been a refusal; ",
          kAdvice));
}

bool PinLatch::Accepted() const {
  const auto accepted = ReadFile(kPinAcceptedFile);
  return accepted.ok() && *accepted == identity_;
}

absl::Status PinLatch::BeforePresenting() const {
  return Accepted() ? absl::OkStatus() : SetLatch();
}

absl::Status PinLatch::AfterPresenting(const absl::Status& outcome) const {
  const CK_RV rv = pkcs11::RvOf(outcome);
  if (pkcs11::IsPinRefusal(rv)) return Refused(rv);
  if (Accepted()) return outcome;
  if (outcome.ok()) {
    if (absl::Status s = ReplaceFile(kPinAcceptedFile, kStagingFile, identity_); !s.ok()) return s;
  } else if (!WasNotLookedAt(rv)) {
    return ExitError(kExitPinLatched, "PIN_DOUBTED",
                     absl::StrCat("the HSM answered ", pkcs11::RvName(rv),
                                  " to a PIN that it had not accepted before, which may be a "
                                  "refusal; ",
                                  kAdvice));
  }
  if (absl::Status s = RemoveFile(kPinLatchFile); !s.ok()) return s;
  return outcome;
}

absl::Status PinLatch::Refused(CK_RV rv) {
  if (absl::Status s = SetLatch(); !s.ok()) return WithExitCode(kExitPinLatched, s);
  return ExitError(
      kExitPinLatched, "PIN_REFUSED",
      absl::StrCat("the partition refused the PIN (", pkcs11::RvName(rv), "); ", kAdvice));
}

absl::Status PinLatch::IfRefused(const absl::Status& status) {
  const CK_RV rv = pkcs11::RvOf(status);
  return pkcs11::IsPinRefusal(rv) ? Refused(rv) : status;
}

absl::StatusOr<bool> PinLatch::Clear() {
  const bool latched = !Check().ok();
  if (absl::Status s = RemoveFile(kPinLatchFile); !s.ok()) return s;
  return latched;
}

}  // namespace sealward::hsm
