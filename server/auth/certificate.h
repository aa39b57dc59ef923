// X.509 certificates as values. Private to server/auth.
#ifndef SEALWARD_SERVER_AUTH_CERTIFICATE_H_
#define SEALWARD_SERVER_AUTH_CERTIFICATE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/openssl_ptr.h"

namespace sealward::auth {

// Most certificates that a client may send below its own.
inline constexpr int kMaxChainCertificates = 8;

// The first certificate in `pem`; null if there is none.
X509Ptr ParseCertificate(absl::string_view pem);

// The certificates in `pem`, at most kMaxChainCertificates; what follows them is
// ignored. Never null.
X509StackPtr ParseChain(absl::string_view pem);

// SHA-256 of the DER: 64 digits of [0-9a-f]. `openssl x509 -noout -fingerprint
// -sha256` prints the same in another form.
std::string Fingerprint(const X509* certificate);

// The subject as RFC 4514 has it, non-ASCII bytes as \XX; empty for an empty or
// a malformed one.
std::string SubjectName(const X509* certificate);

// From when on it is not valid any more.
absl::Time ExpireTime(const X509* certificate);

// From when on it is valid.
absl::Time StartTime(const X509* certificate);

// The certificate in PEM.
std::string ToPem(X509* certificate);

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_CERTIFICATE_H_
