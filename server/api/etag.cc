#include "server/api/etag.h"

#include <openssl/sha.h>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"

namespace sealward::api {
namespace {

constexpr size_t kEtagBytes = 12;

}  // namespace

std::string Digest(std::initializer_list<absl::string_view> parts) {
  std::string text;
  for (const absl::string_view part : parts) absl::StrAppend(&text, part.size(), ":", part);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string Etag(absl::string_view name, int64_t mod_revision) {
  return Base64UrlEncode(Digest({"etag", name, absl::StrCat(mod_revision)}).substr(0, kEtagBytes));
}

}  // namespace sealward::api
