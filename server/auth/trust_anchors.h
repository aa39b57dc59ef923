// Which CA vouches for whom.
#ifndef SEALWARD_SERVER_AUTH_TRUST_ANCHORS_H_
#define SEALWARD_SERVER_AUTH_TRUST_ANCHORS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/openssl_ptr.h"
#include "server/auth/trust_bundle.h"

namespace sealward::auth {

// In place of a trust domain: the CAs that vouch for subject: principals.
inline constexpr absl::string_view kSubjects = "";

// TrustBundle is the CAs that vouch for the members of one trust domain, or for
// kSubjects.
struct TrustBundle {
  std::string trust_domain;
  std::vector<CaCertificate> certificates;
};

// TrustAnchors decides whether a certificate's chain ends where it must: SPIFFE
// lets a domain's own CAs vouch for its IDs and no other's (SPIFFE X509-SVID
// section 5.1; SPIFFE Federation). Immutable; thread-safe.
class TrustAnchors {
 public:
  // Bundles of the same domain add up.
  explicit TrustAnchors(const std::vector<TrustBundle>& bundles);

  // Every certificate once, as one bundle: what TLS itself accepts, before the
  // domain is looked at. Empty if nobody is trusted.
  const std::string& pem() const { return pem_; }

  // Until when `leaf`, with `chain` below the CAs of `trust_domain`, is a valid
  // client certificate: the first expiry on its path. It must be a leaf
  // (X509-SVID 5.2: neither CA nor signer of certificates) with the purpose of a
  // TLS client, at the time `now`. UNAUTHENTICATED (CERTIFICATE_UNTRUSTED), with
  // what is wrong.
  absl::StatusOr<absl::Time> Verify(X509* leaf, STACK_OF(X509) * chain,
                                    absl::string_view trust_domain, absl::Time now) const;

 private:
  absl::flat_hash_map<std::string, X509StorePtr> stores_;
  std::string pem_;
};

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_TRUST_ANCHORS_H_
