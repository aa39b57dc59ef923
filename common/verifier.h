// Verification of JWS signatures with a public key.
#ifndef SEALWARD_COMMON_VERIFIER_H_
#define SEALWARD_COMMON_VERIFIER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/algorithms.h"
#include "common/signature_input.h"

namespace sealward {

// Verifier checks signatures of one public key. It keeps OpenSSL contexts warm
// (building them for each call costs 5 µs), so it is not thread-safe: one for
// each thread and key.
class Verifier {
 public:
  // INVALID_ARGUMENT if `spki` (DER SubjectPublicKeyInfo) is no key of the
  // algorithm.
  static absl::StatusOr<std::unique_ptr<Verifier>> Create(const AlgorithmInfo& algorithm,
                                                          absl::string_view spki);
  ~Verifier();

  const AlgorithmInfo* algorithm() const;

  // Whether `signature`, in JWS form (RFC 7518 section 3.4: R || S for ECDSA),
  // is one of `message` by this key.
  bool Verify(absl::string_view message, absl::string_view signature);

  // The same of what `input` says: a message or its hash, and a PSS salt of another length. False
  // for an input that CheckSignatureInput refuses.
  bool Verify(const SignatureInput& input, absl::string_view signature);

 private:
  struct Impl;
  explicit Verifier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealward

#endif  // SEALWARD_COMMON_VERIFIER_H_
