#include "server/publish/jwks.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sealward::publish {
namespace {

using Json = nlohmann::ordered_json;

// All members that a JWK can have here, in the order in which they are written.
struct Member {
  const char* name;
  const std::string& (v1::PublicJwk::*get)() const;
};
constexpr std::array kMembers = {
    Member{"kty", &v1::PublicJwk::kty}, Member{"crv", &v1::PublicJwk::crv},
    Member{"x", &v1::PublicJwk::x},     Member{"y", &v1::PublicJwk::y},
    Member{"n", &v1::PublicJwk::n},     Member{"e", &v1::PublicJwk::e},
    Member{"kid", &v1::PublicJwk::kid}, Member{"alg", &v1::PublicJwk::alg},
    Member{"use", &v1::PublicJwk::use},
};

Json ToJson(const v1::PublicJwk& jwk) {
  Json json = Json::object();
  for (const Member& member : kMembers) {
    const std::string& value = (jwk.*member.get)();
    if (!value.empty()) json[member.name] = value;
  }
  return json;
}

}  // namespace

absl::StatusOr<Document> BuildJwks(const catalog::Issuer& issuer, IssuerKeys keys, absl::Time now,
                                   const ForeignKeys& foreign) {
  const std::vector<PublishedVersion> published = PublishedVersions(keys, now);
  const std::vector<const catalog::ForeignKey*> others = PublishedForeignKeys(foreign, now);
  if (published.empty() && others.empty()) return NothingPublished(issuer);
  Json set = Json::array();
  for (const auto& [key, version] : published) {
    Json jwk = ToJson(version->jwk);
    if (issuer.shared) jwk[std::string(kAudienceMember)] = key->audiences;
    set.push_back(std::move(jwk));
  }
  for (const catalog::ForeignKey* key : others) set.push_back(ToJson(key->jwk));
  Json document = Json::object();
  document["keys"] = std::move(set);
  // `replace`: a text that is no UTF-8 must not throw.
  return MakeDocument(document.dump(-1, ' ', false, Json::error_handler_t::replace), issuer,
                      NextChange(keys, foreign, now));
}

}  // namespace sealward::publish
