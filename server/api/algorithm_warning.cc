#include "server/api/algorithm_warning.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace sealward::api {
namespace {

// Lacking is one row: who has not an algorithm.
struct Lacking {
  absl::string_view family;  // its first letters: nobody has one size of an RSA key and not another
  absl::string_view who;
  // Said only to whom it may concern; unspecified for all.
  v1::ValidatorProfile profile = v1::VALIDATOR_PROFILE_UNSPECIFIED;
};

// Measured by tests/interop: jsonwebtoken 9, aws-jwt-verify 5, mod_auth_openidc 2.4. By their own
// lists of algorithms: IdentityModel (its issue 2426), Spring Security (SignatureAlgorithm),
// kube-apiserver (--oidc-signing-algs), API Gateway (the developer guide's page on JWT
// authorizers). What kube-apiserver takes from an external signer was seen with the real program:
// RS256 and ES*.
constexpr absl::string_view kNotSignedForKubernetes =
    "kube-apiserver takes it from no external signer";
constexpr absl::string_view kApiGateway = "AWS API Gateway's HTTP APIs take RSA only";
constexpr Lacking kLacking[] = {
    {"PS", "aws-jwt-verify cannot verify it"},
    {"PS", kNotSignedForKubernetes},
    {"Ed",
     "jsonwebtoken, .NET IdentityModel, Spring Security, mod_auth_openidc and kube-apiserver "
     "cannot verify it"},
    {"RS384", kNotSignedForKubernetes},
    {"RS512", kNotSignedForKubernetes},
    {"ES", kApiGateway, v1::VALIDATOR_PROFILE_AWS},
    {"Ed", kApiGateway, v1::VALIDATOR_PROFILE_AWS},
};

}  // namespace

std::string AlgorithmWarning(const AlgorithmInfo& algorithm, v1::ValidatorProfile profile) {
  std::vector<absl::string_view> found;
  for (const Lacking& row : kLacking) {
    const bool concerns =
        row.profile == v1::VALIDATOR_PROFILE_UNSPECIFIED || row.profile == profile;
    if (concerns && absl::StartsWith(algorithm.jose_alg, row.family)) found.push_back(row.who);
  }
  if (found.empty()) return "";
  return absl::StrCat(algorithm.jose_alg, " narrows the audience: ", absl::StrJoin(found, "; "),
                      "; RS256 is known to all");
}

}  // namespace sealward::api
