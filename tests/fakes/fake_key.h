// A key pair of OpenSSL's, for the fake partition.
#ifndef SEALWARD_TESTS_FAKES_FAKE_KEY_H_
#define SEALWARD_TESTS_FAKES_FAKE_KEY_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "common/algorithms.h"

namespace sealward::fakes {

// FakeKey signs as an HSM's pair of that algorithm would. Thread-compatible.
class FakeKey {
 public:
  static std::unique_ptr<FakeKey> Make(const AlgorithmInfo& algorithm);
  virtual ~FakeKey() = default;

  // DER SubjectPublicKeyInfo.
  virtual std::string Spki() const = 0;
  // In JWS form; PSS with a salt of so many bytes, or of the hash's length.
  virtual std::string Sign(const std::string& message,
                           std::optional<size_t> pss_salt_bytes = std::nullopt) const = 0;
  // The same of a message whose hash is `digest`. Not for EdDSA.
  virtual std::string SignDigest(const std::string& digest,
                                 std::optional<size_t> pss_salt_bytes = std::nullopt) const = 0;
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_FAKE_KEY_H_
