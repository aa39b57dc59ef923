// The algorithms of JOSE as the bench knows them: a table of its own, so that what judges
// the service shares no row with it.
#ifndef SEALWARD_TESTS_BENCH_SCHEME_H_
#define SEALWARD_TESTS_BENCH_SCHEME_H_

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::bench {

enum class SignatureKind { kEcdsa, kPkcs1, kPss, kEdDsa };

// Scheme is one row, for keys of any size. Rows are constants; pointers to them never end.
struct Scheme {
  absl::string_view jose_alg;  // RFC 7518 section 3.1, RFC 8037 section 3.1
  SignatureKind kind;
  const char* hash;         // as OpenSSL names it; nullptr where the scheme hashes by itself
  size_t coordinate_bytes;  // ECDSA: of R and of S in a JWS, else 0
};

// The row of `jose_alg`; INVALID_ARGUMENT if there is none.
absl::StatusOr<const Scheme*> SchemeOf(absl::string_view jose_alg);

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UniqueMdCtx = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using UniqueMd = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;

// Hasher makes what a scheme signs, with a digest that was fetched once. Not thread-safe.
class Hasher {
 public:
  explicit Hasher(const Scheme& scheme);

  const Scheme& scheme() const { return *scheme_; }
  const EVP_MD* md() const { return md_.get(); }  // nullptr where the scheme hashes by itself

  // The message's digest, good until the next call; the message where the scheme hashes by
  // itself.
  absl::string_view operator()(absl::string_view message);

 private:
  const Scheme* scheme_;
  UniqueMd md_;
  UniqueMdCtx ctx_;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest_{};
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_SCHEME_H_
