// Public keys in OpenSSL's hands. Private to common/: others use jwk.h and
// verifier.h.
#ifndef SEALWARD_COMMON_PUBLIC_KEY_H_
#define SEALWARD_COMMON_PUBLIC_KEY_H_

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/algorithms.h"

namespace sealward {

// Deleter calls OpenSSL's own function.
template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UniqueKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using UniqueKeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using UniqueDigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using UniqueNumber = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

// Largest SubjectPublicKeyInfo that is looked at; an RSA-4096 one has 550 bytes.
inline constexpr size_t kMaxSpkiBytes = 2048;

// The key in a DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). Takes the
// one DER encoding only: bytes that follow, BER forms, explicit curve
// parameters, a point off the curve, and an RSA exponent that is even or not
// between 2^16 and 2^64 (FIPS 186-5 section A.1.1 and OpenSSL's own bound) are
// refused.
//
// INVALID_ARGUMENT (PUBLIC_KEY_INVALID) if it is no key of `algorithm`.
absl::StatusOr<UniqueKey> ParsePublicKey(const AlgorithmInfo& algorithm, absl::string_view spki);

// OpenSSL's bytes for a string_view.
inline const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace sealward

#endif  // SEALWARD_COMMON_PUBLIC_KEY_H_
