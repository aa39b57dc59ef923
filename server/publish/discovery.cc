#include "server/publish/discovery.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sealward::publish {

std::string JwksUri(absl::string_view public_url, absl::string_view issuer_name) {
  return absl::StrCat(public_url, "/", issuer_name, "/jwks.json");
}

absl::StatusOr<Document> BuildDiscovery(const catalog::Issuer& issuer, IssuerKeys keys,
                                        absl::string_view public_url, absl::Time now,
                                        const ForeignKeys& foreign) {
  const std::vector<PublishedVersion> published = PublishedVersions(keys, now);
  const std::vector<const catalog::ForeignKey*> others = PublishedForeignKeys(foreign, now);
  if (published.empty() && others.empty()) return NothingPublished(issuer);
  std::set<std::string> algorithms;  // in order, each once
  for (const PublishedVersion& entry : published) algorithms.insert(entry.version->jwk.alg());
  for (const catalog::ForeignKey* key : others) algorithms.insert(key->jwk.alg());

  using Json = nlohmann::ordered_json;
  Json document = Json::object();
  document["issuer"] = issuer.issuer_url;
  document["jwks_uri"] = JwksUri(public_url, issuer.name);
  document["response_types_supported"] = Json::array({"id_token"});
  document["subject_types_supported"] = Json::array({"public"});
  document["id_token_signing_alg_values_supported"] = algorithms;
  return MakeDocument(document.dump(-1, ' ', false, Json::error_handler_t::replace), issuer,
                      NextChange(keys, foreign, now));
}

}  // namespace sealward::publish
