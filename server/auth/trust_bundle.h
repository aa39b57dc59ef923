// Bundles of CA certificates, checked before they vouch for anybody.
#ifndef SEALWARD_SERVER_AUTH_TRUST_BUNDLE_H_
#define SEALWARD_SERVER_AUTH_TRUST_BUNDLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::auth {

inline constexpr size_t kMaxBundleCertificates = 32;
inline constexpr size_t kMaxBundleBytes = 65'536;

// The organization in the subject of every CA of tools/dev_ca.sh. The private
// key of such a CA lies about on developers' machines.
inline constexpr absl::string_view kDevelopmentOrganization = "Sealward development";

// CaCertificate is one certificate of a bundle.
struct CaCertificate {
  std::string pem;
  std::string subject;      // RFC 4514
  std::string fingerprint;  // SHA-256 of the DER, 64 digits of [0-9a-f]
  absl::Time start_time;
  absl::Time expire_time;
};

// BundleRules is what depends on the server: outside development a development
// CA is refused.
struct BundleRules {
  bool allow_development = false;
};

// The certificates of a bundle in PEM, in its order. Text around the blocks is
// ignored (RFC 7468 section 2). INVALID_ARGUMENT (CA_BUNDLE_INVALID) for none,
// for more or larger than the limits, for a block that is no certificate, a
// certificate that is no CA (basicConstraints CA:TRUE, and keyCertSign where
// there is a keyUsage), the same certificate twice, or what `rules` refuses. A
// private key is not echoed, and neither is anything else. Dates are not looked
// at: an expired CA vouches for nobody, and a bundle in transition may hold one.
absl::StatusOr<std::vector<CaCertificate>> ParseBundle(absl::string_view pem,
                                                       const BundleRules& rules);

// The certificates as a bundle in PEM, and nothing else.
std::string ToPem(const std::vector<CaCertificate>& certificates);

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_TRUST_BUNDLE_H_
