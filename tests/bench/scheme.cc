#include "tests/bench/scheme.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sealward::bench {
namespace {

using enum SignatureKind;

constexpr Scheme kSchemes[] = {
    {"ES256", kEcdsa, "SHA256", 32}, {"ES384", kEcdsa, "SHA384", 48},
    {"ES512", kEcdsa, "SHA512", 66}, {"EdDSA", kEdDsa, nullptr, 0},
    {"RS256", kPkcs1, "SHA256", 0},  {"RS384", kPkcs1, "SHA384", 0},
    {"RS512", kPkcs1, "SHA512", 0},  {"PS256", kPss, "SHA256", 0},
    {"PS384", kPss, "SHA384", 0},    {"PS512", kPss, "SHA512", 0},
};

}  // namespace

absl::StatusOr<const Scheme*> SchemeOf(absl::string_view jose_alg) {
  const Scheme* row = std::ranges::find(kSchemes, jose_alg, &Scheme::jose_alg);
  if (row != std::end(kSchemes)) return row;
  return absl::InvalidArgumentError(absl::StrCat("no such algorithm here: ", jose_alg));
}

Hasher::Hasher(const Scheme& scheme) : scheme_(&scheme) {
  if (scheme.hash == nullptr) return;
  md_.reset(EVP_MD_fetch(nullptr, scheme.hash, nullptr));
  ctx_.reset(EVP_MD_CTX_new());
}

absl::string_view Hasher::operator()(absl::string_view message) {
  if (md_ == nullptr) return message;
  unsigned int size = 0;
  EVP_DigestInit_ex2(ctx_.get(), md_.get(), nullptr);
  EVP_DigestUpdate(ctx_.get(), message.data(), message.size());
  EVP_DigestFinal_ex(ctx_.get(), digest_.data(), &size);
  return {reinterpret_cast<const char*>(digest_.data()), size};
}

}  // namespace sealward::bench
