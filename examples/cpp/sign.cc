// Signs a JWT in both ways with the client library and verifies it; once more for each line
// of input. The JWTs go to standard output, too, for tools/verify_jwt.mjs or a validator of yours.
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "client/connection.h"
#include "client/header_signer.h"
#include "client/signer.h"
#include "client/signing_key_cache.h"
#include "examples/cpp/es256.h"
#include "nlohmann/json.hpp"

namespace example {
namespace {

using sealward::client::Connection;
using sealward::client::HeaderSigner;
using sealward::client::SignedJwt;
using sealward::client::Signer;
using sealward::client::SigningKeyCache;

constexpr absl::Duration kTimeout = absl::Seconds(10);  // of each JWT, retries included

// What ./dev run makes; set others in the environment.
std::string Env(const char* name, const char* value) {
  const char* set = std::getenv(name);
  return set == nullptr ? value : set;
}

std::string FromBase64Url(const std::string& text) {
  std::string bytes;
  return absl::WebSafeBase64Unescape(text, &bytes) ? bytes : "";
}

// Issuer signs with one key. Thread-safe, as all that it uses.
class Issuer {
 public:
  Issuer(std::shared_ptr<Connection> connection, std::string key)
      : key_(std::move(key)), signer_(std::move(connection)) {}

  // The simple way: Sealward builds the header, with the kid that signs now.
  absl::StatusOr<SignedJwt> SignClaims(const std::string& claims) {
    return signer_.SignJwt({.key = key_, .claims = claims, .typ = ""}, absl::Now() + kTimeout);
  }

  // For who builds the header alone. An operator may take the version out before the cache's
  // answer is over: the kid is part of what is signed, so the old input is of no use.
  // HeaderSigner asks again then, and has us make another header, once.
  absl::StatusOr<SignedJwt> SignWithOwnHeader(const std::string& claims) {
    const auto make_header = [](const sealward::v1::SigningKey& version) {
      return nlohmann::json{{"alg", version.jwk().alg()}, {"kid", version.kid()}, {"typ", "JWT"}}
          .dump();
    };
    return header_signer_.Sign(key_, claims, make_header, absl::Now() + kTimeout);
  }

  // Who signs now. The cache asks anew before refresh_time, a minute at most: without it each
  // JWT would cost two calls.
  absl::StatusOr<SigningKeyCache::Key> SigningKey() {
    return cache_.Get(key_, absl::Now() + kTimeout);
  }

 private:
  const std::string key_;
  Signer signer_;
  SigningKeyCache cache_{&signer_};
  HeaderSigner header_signer_{&signer_, &cache_};
};

// Prints header and JWT. False if the signature is not one of the key with this JWK.
bool Verify(const std::string& jwt, const sealward::v1::PublicJwk& jwk) {
  const size_t first = jwt.find('.');
  const size_t last = jwt.rfind('.');
  std::cout << FromBase64Url(jwt.substr(0, first)) << "\n" << jwt << "\n";
  return VerifyEs256(FromBase64Url(jwk.x()), FromBase64Url(jwk.y()), jwt.substr(0, last),
                     FromBase64Url(jwt.substr(last + 1)));
}

absl::Status SignAndVerify(Issuer& issuer) {
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  const std::string claims =
      nlohmann::json{{"iss", Env("ISSUER", "https://localhost:8443/tenants/demo/issuers/main")},
                     {"aud", Env("AUDIENCE", "https://api.example")},
                     {"sub", "alice"},
                     {"iat", now},
                     {"exp", now + 300}}
          .dump();
  for (const auto& signed_jwt : {issuer.SignClaims(claims), issuer.SignWithOwnHeader(claims)}) {
    if (!signed_jwt.ok()) return signed_jwt.status();
    auto key = issuer.SigningKey();
    if (!key.ok()) return key.status();
    if ((*key)->kid() != signed_jwt->kid) {
      return absl::UnavailableError(
          "another version signs meanwhile: its JWK is in the JWKS alone");
    }
    if (!Verify(signed_jwt->jwt, (*key)->jwk())) {
      return absl::DataLossError("the signature is not the key's");
    }
  }
  std::cout << "verified" << std::endl;
  return absl::OkStatus();
}

absl::Status Run() {
  const std::string tls = Env("SEALWARD_TLS", ".state/tls");
  // mTLS: who we are is in the certificate; there is no password or API token.
  auto connection = Connection::Open({Env("SEALWARD_TARGET", "localhost:7443"), tls + "/ca.pem",
                                      tls + "/issuer.pem", tls + "/issuer.key"});
  if (!connection.ok()) return connection.status();
  Issuer issuer(*connection, Env("SEALWARD_KEY", "tenants/demo/keys/main"));
  absl::Status status = SignAndVerify(issuer);
  for (std::string line; status.ok() && std::getline(std::cin, line);) {
    status = SignAndVerify(issuer);
  }
  return status;
}

}  // namespace
}  // namespace example

int main() {
  sealward::client::RequireTls13();
  const absl::Status status = example::Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
