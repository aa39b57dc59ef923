// The check of a JWS signing input (RFC 7515 section 5.1) before it is signed:
// the door that keeps a JWT key to JWTs that name it.
#ifndef SEALWARD_HSM_HEADER_CHECK_H_
#define SEALWARD_HSM_HEADER_CHECK_H_

#include <array>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

inline constexpr size_t kMaxHeaderBytes = 1024;  // encoded
inline constexpr size_t kMaxTypBytes = 64;

// HeaderCheck approves signing inputs for one key. A header that passed once is
// remembered, so that the usual case is a comparison of bytes: issuers use one
// header, or a few that differ in typ.
class HeaderCheck {
 public:
  // The values that `alg` and `kid` must have.
  HeaderCheck(absl::string_view jose_alg, absl::string_view kid) : alg_(jose_alg), kid_(kid) {}

  // OK if `signing_input` is BASE64URL(header) '.' BASE64URL(payload) and the
  // header is a JSON object with exactly this alg and kid and, at most, a typ:
  // no other member, none twice. Else INVALID_ARGUMENT
  // (SIGNING_INPUT_INVALID), or FAILED_PRECONDITION (HEADER_MISMATCH) where alg
  // or kid are another key's. Messages do not quote the input.
  absl::Status Check(absl::string_view signing_input);

  const std::string& kid() const { return kid_; }

 private:
  absl::Status CheckHeader(absl::string_view encoded) const;

  static constexpr size_t kApproved = 4;

  std::string alg_;
  std::string kid_;
  std::array<std::string, kApproved> approved_;  // headers, with their dot
  size_t next_ = 0;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_HEADER_CHECK_H_
