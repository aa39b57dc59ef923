// Verification with plain OpenSSL, independent of common/: the reference that
// the service is measured against, and the judge of its answers.
#ifndef SEALWARD_TESTS_BENCH_REFERENCE_VERIFIER_H_
#define SEALWARD_TESTS_BENCH_REFERENCE_VERIFIER_H_

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/scheme.h"

namespace sealward::bench {

using UniquePkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using UniquePkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;

// ReferenceVerifier checks signatures of one public key, in JWS form, with
// contexts that stay warm: the cheapest verification that OpenSSL offers. Not
// thread-safe.
class ReferenceVerifier {
 public:
  // `spki` is a DER SubjectPublicKeyInfo.
  static absl::StatusOr<std::unique_ptr<ReferenceVerifier>> Create(const Scheme& scheme,
                                                                   const std::string& spki);

  bool Verify(absl::string_view message, absl::string_view signature);

 private:
  ReferenceVerifier(const Scheme& scheme, UniquePkey key)
      : scheme_(scheme), key_(std::move(key)), hasher_(scheme) {}
  bool Warm();
  bool WarmRsa();
  bool VerifyDigest(absl::string_view digest, absl::string_view signature);
  bool VerifyEcdsa(absl::string_view digest, absl::string_view signature);

  const Scheme& scheme_;
  UniquePkey key_;
  UniquePkeyCtx verify_;  // ECDSA and RSA
  UniqueMdCtx one_shot_;  // EdDSA
  Hasher hasher_;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_REFERENCE_VERIFIER_H_
