// Certificates, keys and bundles on disk, checked before they are used.
#ifndef SEALWARD_SERVER_APP_TLS_FILES_H_
#define SEALWARD_SERVER_APP_TLS_FILES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/config.h"
#include "server/auth/trust_anchors.h"
#include "server/auth/trust_bundle.h"

namespace sealward::app {

// Largest certificate, key or bundle file.
inline constexpr size_t kMaxTlsFileBytes = 65'536;

// TlsIdentity is a certificate with its chain, and its private key, in PEM.
struct TlsIdentity {
  std::string certificate;
  std::string private_key;
  bool operator==(const TlsIdentity&) const = default;
};

// Reads both files. INVALID_ARGUMENT names the file that is missing, too large, no
// PEM of that kind, has a pass phrase, or does not fit the other.
absl::StatusOr<TlsIdentity> ReadTlsIdentity(const std::string& certificate,
                                            const std::string& private_key);

// INVALID_ARGUMENT, naming `path`, if the certificate is not valid at `now`.
absl::Status CheckDates(const TlsIdentity& identity, const std::string& path, absl::Time now);

// Development CAs are for development.
auth::BundleRules BundleRulesOf(const Config& config);

// The bundles that the configuration names: client_ca for subjects, and for
// grpc.trust_domain if that is set; then those of grpc.trust_domains.
// INVALID_ARGUMENT names the file that is missing or that ParseBundle refuses.
absl::StatusOr<std::vector<auth::TrustBundle>> ReadTrustBundles(const Config::Grpc& config,
                                                                const auth::BundleRules& rules);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_TLS_FILES_H_
