// ES256 (RFC 7518 section 3.4) with OpenSSL alone. A validator has more to check than the
// signature: whose key it is, alg, iss, aud, exp (RFC 8725).
#ifndef SEALWARD_EXAMPLES_CPP_ES256_H_
#define SEALWARD_EXAMPLES_CPP_ES256_H_

#include <string>

namespace example {

// Whether `signature` (R || S) is one of `message` by the P-256 key with these coordinates.
// All are bytes, base64url-decoded already.
bool VerifyEs256(const std::string& x, const std::string& y, const std::string& message,
                 const std::string& signature);

}  // namespace example

#endif  // SEALWARD_EXAMPLES_CPP_ES256_H_
