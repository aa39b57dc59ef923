// Public keys that a guess can be tried on: whether it is the private one.
#ifndef SEALWARD_TESTS_CONTAINMENT_PUBLIC_KEYS_H_
#define SEALWARD_TESTS_CONTAINMENT_PUBLIC_KEYS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sealward::containment {

// Whose private key was found, and what gave it away.
struct Opened {
  std::string key;
  // key, prime, seed; nonce, product (r d), sum (h + r d): with the signature, the key.
  std::string by;
};

// PublicKey tries guesses. Not thread-safe.
class PublicKey {
 public:
  virtual ~PublicKey() = default;
  // How many bytes a guess has.
  virtual size_t secret_bytes() const = 0;
  // `guess` as a big-endian number, or as the bytes of a seed.
  virtual std::optional<Opened> Opens(const std::string& guess) const = 0;
};

struct EcdsaSignature {
  std::string digest, r, s;  // 32 bytes each, big endian
};

struct EcPublicKey {
  std::string name;
  std::string x, y;  // 32 bytes each
  std::vector<EcdsaSignature> signatures;
};

std::unique_ptr<PublicKey> MakeRsaKey(std::string name, const std::string& modulus);
std::unique_ptr<PublicKey> MakeEd25519Key(std::string name, std::string public_key);
// All of them at once: one multiplication on the curve tries a guess on every key and
// every signature.
std::unique_ptr<PublicKey> MakeP256Keys(std::vector<EcPublicKey> keys);

}  // namespace sealward::containment

#endif  // SEALWARD_TESTS_CONTAINMENT_PUBLIC_KEYS_H_
