#include "tests/containment/public_keys.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <stdexcept>
#include <unordered_map>

namespace sealward::containment {
namespace {

constexpr size_t kP256Bytes = 32;
constexpr size_t kSeedBytes = 32;

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* Unsigned(const std::string& bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Owned<BIGNUM> ToNumber(const std::string& bytes) {
  return Owned<BIGNUM>(BN_bin2bn(Unsigned(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::string ToBytes(const BIGNUM* number, size_t size) {
  std::string bytes(size, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size));
  return bytes;
}

void Check(int one) {
  if (one != 1) throw std::runtime_error("OpenSSL failed");
}

class RsaKey final : public PublicKey {
 public:
  RsaKey(std::string name, const std::string& modulus)
      : name_(std::move(name)),
        bytes_(modulus.size() / 2),
        modulus_(ToNumber(modulus)),
        context_(BN_CTX_new()) {}

  size_t secret_bytes() const override { return bytes_; }

  std::optional<Opened> Opens(const std::string& guess) const override {
    // A prime of half the modulus is odd and has its highest bit.
    if ((guess.back() & 1) == 0 || (guess.front() & 0x80) == 0) return std::nullopt;
    const Owned<BIGNUM> prime = ToNumber(guess);
    const Owned<BIGNUM> rest(BN_new());
    Check(BN_mod(rest.get(), modulus_.get(), prime.get(), context_.get()));
    if (!BN_is_zero(rest.get())) return std::nullopt;
    return Opened{name_, "prime"};
  }

 private:
  std::string name_;
  size_t bytes_;
  Owned<BIGNUM> modulus_;
  Owned<BN_CTX> context_;
};

class Ed25519Key final : public PublicKey {
 public:
  Ed25519Key(std::string name, std::string public_key)
      : name_(std::move(name)), public_key_(std::move(public_key)) {}

  size_t secret_bytes() const override { return kSeedBytes; }

  std::optional<Opened> Opens(const std::string& guess) const override {
    const Owned<EVP_PKEY> key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Unsigned(guess), guess.size()));
    std::string mine(public_key_.size(), '\0');
    size_t size = mine.size();
    Check(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(mine.data()),
                                      &size));
    if (mine != public_key_) return std::nullopt;
    return Opened{name_, "seed"};
  }

 private:
  std::string name_;
  std::string public_key_;
};

// What a guess gives away if the x of guess·G is known to be this.
struct Meaning {
  const EcPublicKey* key = nullptr;
  const char* by = "";
};

// A guess c may be d, a nonce k, r d or h + r d: then the x of c·G is that of the public
// key, a signature's r, or the x of r·Q or h·G + r·Q. All of them are in one table, so one
// multiplication tries them all. OpenSSL keeps numbers multiplied by R, and 1/k: so c/R, 1/c
// and R/c are tried as well.
class P256Keys final : public PublicKey {
 public:
  explicit P256Keys(std::vector<EcPublicKey> keys)
      : keys_(std::move(keys)),
        context_(BN_CTX_new()),
        group_(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)),
        order_(EC_GROUP_get0_order(group_.get())),
        r_(BN_new()),
        x_(BN_new()) {
    // R is 2 to the 256th.
    Check(BN_lshift(r_.get(), BN_value_one(), 8 * kP256Bytes));
    r_inverse_.reset(BN_mod_inverse(nullptr, r_.get(), order_, context_.get()));
    for (const EcPublicKey& key : keys_) Learn(key);
  }

  size_t secret_bytes() const override { return kP256Bytes; }

  std::optional<Opened> Opens(const std::string& guess) const override {
    const Owned<BIGNUM> c = ToNumber(guess);
    if (BN_is_zero(c.get()) || BN_cmp(c.get(), order_) >= 0) return std::nullopt;
    const Owned<BIGNUM> plain(BN_new());
    const Owned<BIGNUM> inverse(BN_mod_inverse(nullptr, c.get(), order_, context_.get()));
    const Owned<BIGNUM> times_r(BN_new());
    Check(BN_mod_mul(plain.get(), c.get(), r_inverse_.get(), order_, context_.get()));
    Check(BN_mod_mul(times_r.get(), r_.get(), inverse.get(), order_, context_.get()));
    for (const BIGNUM* scalar : {c.get(), plain.get(), inverse.get(), times_r.get()}) {
      const auto found = meanings_.find(XOf(scalar, nullptr, nullptr));
      if (found != meanings_.end()) return Opened{found->second.key->name, found->second.by};
    }
    return std::nullopt;
  }

 private:
  void Learn(const EcPublicKey& key) {
    const Owned<EC_POINT> q(EC_POINT_new(group_.get()));
    Check(EC_POINT_set_affine_coordinates(group_.get(), q.get(), ToNumber(key.x).get(),
                                          ToNumber(key.y).get(), context_.get()));
    meanings_.emplace(key.x, Meaning{&key, "key"});
    for (const EcdsaSignature& signature : key.signatures) {
      const Owned<BIGNUM> r = ToNumber(signature.r);
      const Owned<BIGNUM> h = ToNumber(signature.digest);
      meanings_.emplace(signature.r, Meaning{&key, "nonce"});
      meanings_.emplace(XOf(nullptr, q.get(), r.get()), Meaning{&key, "product"});
      meanings_.emplace(XOf(h.get(), q.get(), r.get()), Meaning{&key, "sum"});
    }
  }

  // The x of g·G + times·point; either part may be missing.
  std::string XOf(const BIGNUM* g, const EC_POINT* point, const BIGNUM* times) const {
    const Owned<EC_POINT> sum(EC_POINT_new(group_.get()));
    Check(EC_POINT_mul(group_.get(), sum.get(), g, point, times, context_.get()));
    Check(EC_POINT_get_affine_coordinates(group_.get(), sum.get(), x_.get(), nullptr,
                                          context_.get()));
    return ToBytes(x_.get(), kP256Bytes);
  }

  std::vector<EcPublicKey> keys_;
  std::unordered_map<std::string, Meaning> meanings_;  // by x, of 32 bytes
  Owned<BN_CTX> context_;
  Owned<EC_GROUP> group_;
  const BIGNUM* order_;
  Owned<BIGNUM> r_;
  Owned<BIGNUM> r_inverse_;
  Owned<BIGNUM> x_;
};

}  // namespace

std::unique_ptr<PublicKey> MakeRsaKey(std::string name, const std::string& modulus) {
  return std::make_unique<RsaKey>(std::move(name), modulus);
}

std::unique_ptr<PublicKey> MakeEd25519Key(std::string name, std::string public_key) {
  return std::make_unique<Ed25519Key>(std::move(name), std::move(public_key));
}

std::unique_ptr<PublicKey> MakeP256Keys(std::vector<EcPublicKey> keys) {
  return std::make_unique<P256Keys>(std::move(keys));
}

}  // namespace sealward::containment
