// One Revoke call, from its name to its answer.
#ifndef SEALWARD_SERVER_API_REVOCATION_H_
#define SEALWARD_SERVER_API_REVOCATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sealward/v1/lifecycle_service.pb.h"
#include "server/api/caller.h"
#include "server/api/edge.h"
#include "server/api/revocation_target.h"
#include "server/lifecycle/intervene.h"
#include "server/lifecycle/key_manager.h"
#include "server/signing/live_jwts.h"

namespace sealward::api {

// How long a revocation that is committed waits for the partition to have the
// tombstones and for its processes to forget the keys. Nothing is published or signed
// meanwhile; what is not done by then, the driver makes up for.
inline constexpr absl::Duration kRevokeHsmWait = absl::Milliseconds(700);
// How long a revocation that may activate a version that is not ready waits for one to
// be generated, where there is none (RSA-4096 in software: seconds).
inline constexpr absl::Duration kSpareWait = absl::Seconds(5);
// Versions that one transaction revokes, with room for what else it changes.
inline constexpr size_t kMaxRevokedAtOnce = 90;
// Versions that an answer tells all about; the others are counted.
inline constexpr size_t kMaxListedVersions = 500;

// Revocation carries out, or rehearses, one Revoke. The store comes first: with the
// commit the key pairs are out of the JWKS and the standbys sign. The HSM comes second
// and is waited for within bounds. Used once, by one thread; blocks.
class Revocation {
 public:
  // What it works on and counts by.
  struct Sources {
    lifecycle::KeyManager* keys;
    const signing::LiveJwts* live_jwts;
  };
  // REQUIRES: the arguments outlive it.
  Revocation(const Edge& edge, const Sources& sources, const Caller& caller,
             const v1::RevokeRequest& request)
      : edge_(edge),
        manager_(sources.keys),
        live_jwts_(sources.live_jwts),
        caller_(caller),
        request_(request) {}

  // PERMISSION_DENIED; NOT_FOUND; ABORTED (ETAG_MISMATCH); INVALID_ARGUMENT
  // (NAME_INVALID, REASON_INVALID, ETAG_UNEXPECTED); FAILED_PRECONDITION
  // (VERSION_STATE) for a version that is destroyed. Of several keys all are tried
  // before the error about one is returned: asked again, it goes on.
  absl::StatusOr<v1::RevokeResponse> Run();

 private:
  // What one transaction did to a key.
  struct Outcome {
    std::shared_ptr<const catalog::Key> key;  // afterwards
    lifecycle::KeyCourse before;
    lifecycle::Revocation done;
    absl::Time at;
    bool tombstone_pending = false;
  };
  using KeyPtr = std::shared_ptr<const catalog::Key>;

  absl::Status Check(const catalog::Snapshot& snapshot) const;
  absl::Status RevokeKey(const KeyPtr& key);
  std::vector<size_t> Which(const catalog::Key& key, absl::Time now) const;
  catalog::Key Decide(const catalog::Key& seen, const lifecycle::KeyCourse& course, absl::Time now,
                      Outcome& outcome) const;
  void Prepare(const KeyPtr& key);
  KeyPtr Rehearsed(const KeyPtr& key);
  void Mark(Outcome& outcome, absl::Time limit);
  void Tell(const Outcome& outcome, v1::RevokeResponse& response) const;
  v1::RevokedVersion TellVersion(const Outcome& outcome, size_t index,
                                 const v1::UntilFreshKid& fresh) const;

  const Edge& edge_;
  lifecycle::KeyManager* const manager_;
  const signing::LiveJwts* const live_jwts_;
  const Caller& caller_;
  const v1::RevokeRequest& request_;
  RevocationTarget target_;
  // Of the key at hand: its newest version as it was asked for, and the number of one
  // that was made to take over.
  int64_t last_version_ = 0;
  std::optional<int64_t> spare_;
  std::vector<Outcome> outcomes_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_REVOCATION_H_
