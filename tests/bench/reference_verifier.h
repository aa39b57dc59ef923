// Verification with plain OpenSSL, independent of common/: the reference that
// the service is measured against, and the judge of its answers.
#ifndef SEALWARD_TESTS_BENCH_REFERENCE_VERIFIER_H_
#define SEALWARD_TESTS_BENCH_REFERENCE_VERIFIER_H_

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::bench {

enum class Scheme { kEs256, kRs256, kEdDsa };

// Scheme of a key as JOSE's `alg` names it.
absl::StatusOr<Scheme> SchemeOf(absl::string_view jose_alg);

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UniquePkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using UniquePkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using UniqueMdCtx = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using UniqueMd = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;

using Digest = std::array<unsigned char, 32>;

// Sha256 hashes with a digest that was fetched once. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  Digest operator()(absl::string_view message);

 private:
  UniqueMd md_;
  UniqueMdCtx ctx_;
};

// ReferenceVerifier checks signatures of one public key, in JWS form, with
// contexts that stay warm: the cheapest verification that OpenSSL offers. Not
// thread-safe.
class ReferenceVerifier {
 public:
  // `spki` is a DER SubjectPublicKeyInfo.
  static absl::StatusOr<std::unique_ptr<ReferenceVerifier>> Create(Scheme scheme,
                                                                   const std::string& spki);

  bool Verify(absl::string_view message, absl::string_view signature);

 private:
  ReferenceVerifier(Scheme scheme, UniquePkey key) : scheme_(scheme), key_(std::move(key)) {}
  absl::Status Warm();
  bool VerifyEcdsa(const Digest& digest, absl::string_view signature);

  const Scheme scheme_;
  UniquePkey key_;
  UniquePkeyCtx verify_;  // ES256 and RS256
  UniqueMdCtx one_shot_;  // EdDSA
  Sha256 sha256_;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_REFERENCE_VERIFIER_H_
