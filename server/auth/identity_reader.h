// Identities from client certificates.
#ifndef SEALWARD_SERVER_AUTH_IDENTITY_READER_H_
#define SEALWARD_SERVER_AUTH_IDENTITY_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "server/auth/identity.h"
#include "server/auth/trust_anchors.h"
#include "server/auth/trust_bundle.h"
#include "server/catalog/snapshot.h"

namespace sealward::auth {

// Certificates whose identity is remembered.
inline constexpr size_t kMaxCachedCertificates = 1024;

// IdentityReader tells who shows a certificate: TLS has checked that some CA of
// ours stands behind it, this checks that it is a CA of the certificate's own
// trust domain, that the certificate is still valid, and that nobody denied it.
//
// It trusts the bundles of the configuration and those of the catalog together,
// in the snapshot of the moment, so that a change there takes effect with the
// next call, on open connections too. A certificate that was accepted once is
// remembered, because checking one costs as much as several signatures, until it
// expires or a bundle changes. Thread-safe.
class IdentityReader final : public IdentitySource {
 public:
  struct Options {
    std::function<std::shared_ptr<const catalog::Snapshot>()> snapshot;
    const Clock* clock = nullptr;
    BundleRules rules;  // for the catalog's bundles
    // A bundle of the catalog that `rules` refuses: it vouches for nobody. Called
    // when it is met first; any thread.
    std::function<void(const catalog::TrustDomain&, const absl::Status&)> on_unusable;
  };

  // `configured` is trusted whatever the catalog says.
  IdentityReader(Options options, std::vector<TrustBundle> configured);

  // Trusts `configured` from now on instead of what was given before.
  void SetConfigured(std::vector<TrustBundle> configured);

  // See IdentitySource. A long stream asks again with its own context: that is
  // a look-up.
  absl::StatusOr<std::shared_ptr<const Identity>> Read(const grpc::AuthContext& context) override;

  // As Read, for a certificate in PEM with the chain that came with it. For the
  // handshake and for HTTPS.
  absl::StatusOr<std::shared_ptr<const Identity>> Check(absl::string_view pem,
                                                        absl::string_view chain_pem);

  // What is trusted now.
  std::shared_ptr<const TrustAnchors> Anchors();

 private:
  using Domains = std::vector<std::pair<std::string, int64_t>>;  // name, mod_revision
  struct Known {
    std::shared_ptr<const Identity> identity;
    std::string denied_name;  // what an entry of the deny-list would be called
  };

  std::shared_ptr<const TrustAnchors> Anchors(const catalog::Snapshot& snapshot);
  // Builds the anchors again, if `snapshot` has other trust domains.
  std::shared_ptr<const TrustAnchors> Refresh(const catalog::Snapshot& snapshot);
  std::shared_ptr<const TrustAnchors> Rebuild(const catalog::Snapshot& snapshot)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(build_mu_);
  static absl::StatusOr<Known> CheckNew(const TrustAnchors& anchors, absl::string_view pem,
                                        absl::string_view chain_pem, absl::Time now);

  const Options options_;
  absl::Mutex build_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  std::vector<TrustBundle> configured_ ABSL_GUARDED_BY(build_mu_);
  Domains domains_ ABSL_GUARDED_BY(build_mu_);  // of the catalog, that anchors_ has
  absl::Mutex mu_;
  int64_t revision_ ABSL_GUARDED_BY(mu_) = -1;  // newest snapshot that was looked at
  std::shared_ptr<const TrustAnchors> anchors_ ABSL_GUARDED_BY(mu_);
  // By the certificate's PEM bytes; all checked with anchors_. A chain that was
  // found stays one, whatever chain the next connection shows. Emptied when it is
  // full: a service has few clients, and hostile ones need a certificate of our
  // CA for each entry.
  absl::flat_hash_map<std::string, Known> cache_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_IDENTITY_READER_H_
