#include "server/auth/identity_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "grpc/grpc_security_constants.h"
#include "server/auth/certificate.h"
#include "server/auth/principal.h"

namespace sealward::auth {
namespace {

absl::string_view OneProperty(const std::vector<grpc::string_ref>& values) {
  return values.size() == 1 ? absl::string_view(values.front().data(), values.front().size())
                            : absl::string_view();
}

absl::Status CertificateDenied() {
  return MakeError(absl::StatusCode::kUnauthenticated, "CERTIFICATE_DENIED",
                   "this client certificate has been denied; get a new one, with a new key");
}

absl::Status CertificateExpired() {
  return MakeError(absl::StatusCode::kUnauthenticated, "CERTIFICATE_UNTRUSTED",
                   "the client certificate is not accepted: it, or a CA above it, has expired");
}

std::string DomainOf(const catalog::TrustDomain& domain) {
  const auto name = TrustDomainName::Parse(domain.name);
  return name.ok() ? name->trust_domain : "";
}

}  // namespace

IdentityReader::IdentityReader(Options options, std::vector<TrustBundle> configured)
    : options_(std::move(options)), configured_(std::move(configured)) {
  Refresh(*options_.snapshot());
}

void IdentityReader::SetConfigured(std::vector<TrustBundle> configured) {
  const auto snapshot = options_.snapshot();
  const absl::MutexLock lock(&build_mu_);
  configured_ = std::move(configured);
  Rebuild(*snapshot);
}

absl::StatusOr<std::shared_ptr<const Identity>> IdentityReader::Read(
    const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated()) return PrincipalUnreadable("there is none");
  const auto pem = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  const auto chain = context.FindPropertyValues(GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME);
  return Check(OneProperty(pem), OneProperty(chain));
}

absl::StatusOr<std::shared_ptr<const Identity>> IdentityReader::Check(absl::string_view pem,
                                                                      absl::string_view chain_pem) {
  const auto snapshot = options_.snapshot();
  const absl::Time now = options_.clock->Now();
  const auto anchors = Anchors(*snapshot);
  Known known;
  {
    const absl::ReaderMutexLock lock(&mu_);
    const auto found = cache_.find(pem);
    if (found != cache_.end()) known = found->second;
  }
  if (known.identity == nullptr) {
    auto checked = CheckNew(*anchors, pem, chain_pem, now);
    if (!checked.ok()) return checked.status();
    known = *std::move(checked);
    const absl::MutexLock lock(&mu_);
    if (cache_.size() >= kMaxCachedCertificates) cache_.clear();
    if (anchors_ == anchors) cache_.emplace(pem, known);
  }
  if (now >= known.identity->valid_until) return CertificateExpired();
  if (snapshot->denied_certificates.contains(known.denied_name)) return CertificateDenied();
  return known.identity;
}

absl::StatusOr<IdentityReader::Known> IdentityReader::CheckNew(const TrustAnchors& anchors,
                                                               absl::string_view pem,
                                                               absl::string_view chain_pem,
                                                               absl::Time now) {
  const X509Ptr leaf = ParseCertificate(pem);
  if (leaf == nullptr) return PrincipalUnreadable("it cannot be read");
  auto principal = PrincipalOf(leaf.get());
  if (!principal.ok()) return principal.status();
  auto identity = std::make_shared<Identity>();
  identity->trust_domain = std::string(TrustDomainOf(*principal));
  identity->principal = *std::move(principal);
  const X509StackPtr chain = ParseChain(chain_pem);
  const auto valid_until = anchors.Verify(leaf.get(), chain.get(), identity->trust_domain, now);
  if (!valid_until.ok()) return valid_until.status();
  identity->valid_until = *valid_until;
  identity->fingerprint = Fingerprint(leaf.get());
  DeniedCertificateName denied{identity->fingerprint};
  return Known{std::move(identity), denied.ToString()};
}

std::shared_ptr<const TrustAnchors> IdentityReader::Anchors() {
  return Anchors(*options_.snapshot());
}

std::shared_ptr<const TrustAnchors> IdentityReader::Anchors(const catalog::Snapshot& snapshot) {
  {
    const absl::ReaderMutexLock lock(&mu_);
    if (snapshot.revision <= revision_) return anchors_;
  }
  return Refresh(snapshot);
}

std::shared_ptr<const TrustAnchors> IdentityReader::Refresh(const catalog::Snapshot& snapshot) {
  Domains domains;
  for (const auto& [name, domain] : snapshot.trust_domains) {
    domains.emplace_back(name, domain->mod_revision);
  }
  std::sort(domains.begin(), domains.end());
  const absl::MutexLock build_lock(&build_mu_);
  {
    const absl::MutexLock lock(&mu_);
    if (snapshot.revision <= revision_) return anchors_;  // another thread was faster
    if (anchors_ != nullptr && domains == domains_) {
      revision_ = snapshot.revision;
      return anchors_;
    }
  }
  domains_ = std::move(domains);
  return Rebuild(snapshot);
}

std::shared_ptr<const TrustAnchors> IdentityReader::Rebuild(const catalog::Snapshot& snapshot) {
  std::vector<TrustBundle> bundles = configured_;
  for (const auto& [name, domain] : snapshot.trust_domains) {
    auto certificates = ParseBundle(domain->ca_bundle_pem, options_.rules);
    if (certificates.ok()) {
      bundles.push_back({DomainOf(*domain), *std::move(certificates)});
    } else if (options_.on_unusable) {
      options_.on_unusable(*domain, certificates.status());
    }
  }
  auto anchors = std::make_shared<const TrustAnchors>(bundles);
  const absl::MutexLock lock(&mu_);
  anchors_ = anchors;
  revision_ = std::max(revision_, snapshot.revision);
  cache_.clear();
  return anchors;
}

}  // namespace sealward::auth
