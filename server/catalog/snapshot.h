// What the server knows, as immutable values: the sign path, publication and
// authorization read these and never touch the store.
#ifndef SEALWARD_SERVER_CATALOG_SNAPSHOT_H_
#define SEALWARD_SERVER_CATALOG_SNAPSHOT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/algorithms.h"
#include "sealward/v1/issuer_service.pb.h"
#include "sealward/v1/jwk.pb.h"
#include "sealward/v1/key_service.pb.h"
#include "server/catalog/access.h"
#include "server/catalog/operations.h"
#include "server/catalog/persistent_map.h"
#include "server/lifecycle/plan.h"
#include "server/lifecycle/state.h"

namespace sealward::catalog {

// Quota is a token bucket over signatures; all zero for no bound.
struct Quota {
  int64_t per_second = 0;
  int64_t burst = 0;  // at least 1 where there is a bound
  bool operator==(const Quota&) const = default;
};

// Tenant is the isolation unit.
struct Tenant {
  std::string name;
  std::string display_name;
  Quota quota;
  std::string partition;  // of its keys; empty for the shared one
  absl::Time create_time;
  int64_t mod_revision = 0;
  // A number of its own (a hash of the name) while the server runs, by which it
  // shares the HSM with the other tenants.
  uint64_t flow = 0;
};

// Issuer is an `iss` URL and its promise to caches.
struct Issuer {
  std::string name;
  std::string issuer_url;
  absl::Duration max_age;
  absl::Duration propagation_time;
  bool shared = false;
  absl::Time create_time;
  absl::Time first_publish_time = absl::InfiniteFuture();
  v1::ValidatorProfile validator_profile = v1::VALIDATOR_PROFILE_DEFAULT;
  int max_jwks_keys = 0;            // 0: the profile's
  lifecycle::Margins margins = {};  // the server's, the same for every issuer; not stored
  // CachePolicy's, kept by EarlierPromise (lifecycle/course.h) at every change of
  // propagation_time.
  absl::Time earlier_promise_until = absl::InfinitePast();
  int64_t mod_revision = 0;
};

// KeyVersion is one HSM key pair. While PENDING, spki and jwk are empty.
struct KeyVersion {
  int64_t number = 0;
  std::string object_id;  // CKA_ID, 16 bytes
  const AlgorithmInfo* algorithm = nullptr;
  std::string spki;  // DER SubjectPublicKeyInfo
  v1::PublicJwk jwk;
  absl::Time create_time;
  lifecycle::VersionTimes times;
  v1::RevocationReason revocation_reason = v1::REVOCATION_REASON_UNSPECIFIED;
  std::string revoker;  // empty if it is not revoked
  // BASE64URL of the JOSE header, one for each of the key's typs.
  std::vector<std::string> header_segments;
};

// ClaimRules narrows the claims that name the bearer and the JWT.
struct ClaimRules {
  bool subject_required = false;
  std::vector<std::string> subject_prefixes = {};  // empty for no rule
  bool jwt_id_required = false;
  bool operator==(const ClaimRules&) const = default;
};

// Pause stops a key's switches and destructions for a while.
struct Pause {
  std::string owner;
  std::string reason;
  lifecycle::PauseTimes times;
  bool operator==(const Pause&) const = default;
};

// Key is a named slot with one purpose and one scope.
struct Key {
  std::string name;
  v1::KeyPurpose purpose = v1::KEY_PURPOSE_UNSPECIFIED;
  std::shared_ptr<const Tenant> tenant;
  // Of purpose RAW: one of its own without name or URL (RawIssuer), so that it has
  // propagation times as others have.
  std::shared_ptr<const Issuer> issuer;
  std::vector<std::string> audiences;  // none of purpose RAW
  std::vector<std::string> typs;       // the first is the default; none of purpose RAW
  absl::Duration max_jwt_lifetime;     // of purpose RAW: retire_after
  ClaimRules claim_rules;
  Quota quota;
  const AlgorithmInfo* algorithm = nullptr;  // of new versions
  lifecycle::RotationPolicy rotation_policy;
  std::optional<Pause> pause;
  absl::Duration paused;  // by pauses that are over, since the last switch
  absl::Time create_time;
  int64_t last_version = 0;
  int64_t mod_revision = 0;
  // In the order of their numbers; WITHDRAWN ones too.
  std::vector<std::shared_ptr<const KeyVersion>> versions;
};

// VersionName says which version it is.
struct VersionName {
  std::string key;
  int64_t number = 0;
};

// By resource name.
template <typename Resource>
using ByName = PersistentMap<std::shared_ptr<const Resource>>;

// Snapshot is the whole catalog at one revision. Immutable once shared. A copy shares
// everything, and what is changed of it costs what changes.
struct Snapshot {
  int64_t revision = 0;
  lifecycle::Margins margins = {};  // the server's; those of every issuer
  ByName<Tenant> tenants;
  ByName<Issuer> issuers;
  ByName<Key> keys;
  // Keys of each issuer, in name order; keyed by issuer name. One of purpose RAW, which has
  // no issuer that could publish it, is by itself, under its own name.
  PersistentMap<std::vector<std::shared_ptr<const Key>>> keys_of_issuer;
  // Which version has, or had, a kid or a CKA_ID; one of them, should there be several.
  PersistentMap<VersionName> versions_by_kid;
  PersistentMap<VersionName> versions_by_object_id;
  // The newest mod_revision of the keys of each partition; keyed by Tenant::partition.
  std::map<std::string, int64_t> key_revisions;
  // Bindings of each principal, in name order; keyed by principal.
  PersistentMap<std::vector<std::shared_ptr<const RoleBinding>>> bindings;
  ByName<RoleBinding> bindings_by_name;  // the same
  ByName<TrustDomain> trust_domains;
  ByName<DeniedCertificate> denied_certificates;
  ByName<Approval> approvals;
  ApprovalPolicy approval_policy;
  // Of each issuer, in name order; keyed by issuer name. Never null.
  PersistentMap<std::shared_ptr<const std::map<std::string, std::shared_ptr<const ForeignKey>>>>
      foreign_keys;
  StoreIdentity store_identity;
  // Keyed by partitions/{partition}; only those that something is known of.
  ByName<PartitionMemory> partitions;
  ClockMemory clock;
  ByName<QuarantinedObject> quarantine;
};

// Times of the key's versions, index for index.
std::vector<lifecycle::VersionTimes> TimesOf(const Key& key);

// What decides about the times of the key's next version or switch.
lifecycle::CachePolicy CachePolicyOf(const Key& key);

// The key as the planner sees it (server/lifecycle/plan.h). `room` is how many more
// versions it can have: RoomOf.
lifecycle::KeyCourse CourseOf(const Key& key, int room);

// Versions of a RAW key that can still be verified, or are to be: what a JWKS bounds for others.
inline constexpr int kMaxRawVersions = 100;

// What stands for the issuer of a key of purpose RAW, which has none: no name and no URL, the
// promise of `propagation_time` to those who verify, and room for kMaxRawVersions. Until the
// key's first version is there (`first_publish_time`) nobody waits for one.
Issuer RawIssuer(absl::Duration propagation_time, const lifecycle::Margins& margins,
                 absl::Time first_publish_time = absl::InfiniteFuture());

// How many more keys the issuer's JWKS can take at `now`: of what is allowed, what
// stands in it and what is being generated is taken.
int JwksRoom(const Snapshot& snapshot, const Issuer& issuer, absl::Time now);

// How many more versions `key` can have at `now`: JwksRoom of its issuer, or what is left of
// kMaxRawVersions.
int RoomOf(const Snapshot& snapshot, const Key& key, absl::Time now);

// Most keys in the issuer's JWKS: its own number, or its validator profile's.
int MaxJwksKeys(const Issuer& issuer);

// The binding of that name, or null.
std::shared_ptr<const RoleBinding> FindBinding(const Snapshot& snapshot, absl::string_view name);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_SNAPSHOT_H_
