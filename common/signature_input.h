// What is handed to a signature algorithm, on both sides of the signer boundary.
#ifndef SEALWARD_COMMON_SIGNATURE_INPUT_H_
#define SEALWARD_COMMON_SIGNATURE_INPUT_H_

#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/algorithms.h"

namespace sealward {

// SignatureInput is a message, or its hash, and the one choice that RSASSA-PSS leaves open.
// It is a view.
struct SignatureInput {
  absl::string_view data;
  bool is_digest = false;  // data is the message's hash, by the algorithm's hash function
  // Salt of RSASSA-PSS; nullopt for as many as the hash has, which is what a JWS has.
  std::optional<size_t> pss_salt_bytes = std::nullopt;
};

// OK if an algorithm can sign `input`. INVALID_ARGUMENT (RAW_INPUT_INVALID) for a digest that is
// not as long as the algorithm's hash, any digest for EdDSA (RFC 8032 signs the message), and a
// salt that is longer than the hash (FIPS 186-5 section 5.4) or for an algorithm without.
absl::Status CheckSignatureInput(const SignatureInput& input, const AlgorithmInfo& algorithm);

}  // namespace sealward

#endif  // SEALWARD_COMMON_SIGNATURE_INPUT_H_
