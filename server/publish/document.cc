#include "server/publish/document.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "server/lifecycle/state.h"

namespace sealward::publish {
namespace {

std::string EtagOf(absl::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  EVP_Digest(body.data(), body.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return absl::StrCat(
      "\"", Base64UrlEncode(absl::string_view(reinterpret_cast<const char*>(hash.data()), size)),
      "\"");
}

}  // namespace

std::vector<PublishedVersion> PublishedVersions(IssuerKeys keys, absl::Time now) {
  std::vector<PublishedVersion> published;
  for (const auto& key : keys) {
    if (key->purpose != v1::KEY_PURPOSE_JWT) continue;
    for (const auto& version : key->versions) {
      // Without a kid there is no key pair yet, whatever the times say.
      if (version->jwk.kid().empty()) continue;
      if (!lifecycle::IsPublished(lifecycle::StateAt(version->times, now))) continue;
      published.push_back({key.get(), version.get()});
    }
  }
  return published;
}

std::vector<const catalog::ForeignKey*> PublishedForeignKeys(const ForeignKeys& foreign,
                                                             absl::Time now) {
  std::vector<const catalog::ForeignKey*> published;
  for (const auto& [name, key] : foreign) {
    if (key->expire_time > now) published.push_back(key.get());
  }
  return published;
}

absl::Time NextChange(IssuerKeys keys, const ForeignKeys& foreign, absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const catalog::ForeignKey* key : PublishedForeignKeys(foreign, now)) {
    next = std::min(next, key->expire_time);
  }
  for (const auto& key : keys) {
    for (const auto& version : key->versions) {
      next = std::min(next, lifecycle::NextChange(std::span(&version->times, 1), now));
    }
  }
  return next;
}

Document MakeDocument(std::string body, const catalog::Issuer& issuer, absl::Time expires) {
  Document document;
  document.etag = EtagOf(body);
  document.body = std::move(body);
  document.max_age = issuer.max_age;
  document.expires = expires;
  return document;
}

absl::Status NothingPublished(const catalog::Issuer& issuer) {
  return MakeError(absl::StatusCode::kNotFound, "NOTHING_PUBLISHED",
                   absl::StrCat(issuer.name,
                                " has no published key; create one, or wait until "
                                "the first version of its key is staged"));
}

}  // namespace sealward::publish
