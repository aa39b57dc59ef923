#include "server/auth/trust_anchors.h"

#include <openssl/err.h>

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/auth/certificate.h"

namespace sealward::auth {
namespace {

absl::Status Untrusted(absl::string_view what) {
  ERR_clear_error();
  return MakeError(absl::StatusCode::kUnauthenticated, "CERTIFICATE_UNTRUSTED",
                   absl::StrCat("the client certificate is not accepted: ", what));
}

absl::Time FirstExpiry(STACK_OF(X509) * path) {
  absl::Time first = absl::InfiniteFuture();
  for (int i = 0; i < sk_X509_num(path); ++i) {
    first = std::min(first, ExpireTime(sk_X509_value(path, i)));
  }
  return first;
}

}  // namespace

TrustAnchors::TrustAnchors(const std::vector<TrustBundle>& bundles) {
  absl::flat_hash_set<std::string> seen;
  for (const TrustBundle& bundle : bundles) {
    X509StorePtr& store = stores_[bundle.trust_domain];
    if (store == nullptr) store.reset(X509_STORE_new());
    for (const CaCertificate& ca : bundle.certificates) {
      const X509Ptr certificate = ParseCertificate(ca.pem);
      if (store != nullptr && certificate != nullptr) {
        X509_STORE_add_cert(store.get(), certificate.get());
      }
      if (seen.insert(ca.fingerprint).second) pem_ += ca.pem;
    }
  }
  ERR_clear_error();
}

absl::StatusOr<absl::Time> TrustAnchors::Verify(X509* leaf, STACK_OF(X509) * chain,
                                                absl::string_view trust_domain,
                                                absl::Time now) const {
  const auto found = stores_.find(trust_domain);
  if (found == stores_.end() || found->second == nullptr) {
    return Untrusted(trust_domain.empty()
                         ? "no CA vouches for certificates without SPIFFE ID"
                         : absl::StrCat("no CA vouches for the trust domain ", trust_domain));
  }
  if (X509_check_ca(leaf) != 0) return Untrusted("it is one of a CA, not of a client");
  const X509StoreContextPtr context(X509_STORE_CTX_new());
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), found->second.get(), leaf, chain) != 1) {
    return Untrusted("it cannot be checked");
  }
  // A CA of the bundle is trusted whether or not it is a root.
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
  X509_VERIFY_PARAM_set_time(param, absl::ToTimeT(now));
  if (X509_verify_cert(context.get()) != 1) {
    const absl::string_view reason =
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    return Untrusted(absl::StrCat(reason, " (checked with the CAs of ",
                                  trust_domain.empty() ? "subject principals" : trust_domain, ")"));
  }
  ERR_clear_error();
  return FirstExpiry(X509_STORE_CTX_get0_chain(context.get()));
}

}  // namespace sealward::auth
