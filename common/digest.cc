#include "common/digest.h"

namespace sealward {

const EVP_MD* DigestOf(Hash hash) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  switch (hash) {
    case Hash::kSha256:
      return sha256;
    case Hash::kSha384:
      return sha384;
    case Hash::kSha512:
      return sha512;
    case Hash::kNone:
      break;
  }
  return nullptr;
}

bool Digest(EVP_MD_CTX* context, Hash hash, absl::string_view message, unsigned char* out) {
  const EVP_MD* const digest = DigestOf(hash);
  return digest != nullptr && EVP_DigestInit_ex2(context, digest, nullptr) == 1 &&
         EVP_DigestUpdate(context, message.data(), message.size()) == 1 &&
         EVP_DigestFinal_ex(context, out, nullptr) == 1;
}

}  // namespace sealward
