// Published documents, kept until they change.
#ifndef SEALWARD_SERVER_PUBLISH_CACHE_H_
#define SEALWARD_SERVER_PUBLISH_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "server/catalog/snapshot.h"
#include "server/publish/document.h"

namespace sealward::publish {

// Issuers whose documents are kept; one more drops another's. Only issuers that
// publish something are kept, so nobody fills it by asking for names.
inline constexpr size_t kMaxCachedIssuers = 10'000;

// Where the newest catalog snapshot comes from; never null. Thread-safe.
using SnapshotSource = std::function<std::shared_ptr<const catalog::Snapshot>()>;

enum class DocumentKind { kJwks, kDiscovery };

// DocumentCache holds each issuer's documents and builds them again when the issuer, its
// keys or its foreign keys have changed in the catalog, when the documents have expired,
// and when the clock went back before the time they were built for. It never serves an
// old one instead.
//
// Threads: Get may be called from any thread. Builds happen under one lock, so
// that a thousand requests at the moment of a change build once; a build takes
// some ten microseconds.
class DocumentCache {
 public:
  // REQUIRES: `clock` outlives it. `public_url` as for JwksUri.
  DocumentCache(SnapshotSource source, const Clock* clock, std::string public_url);

  // NOT_FOUND (ISSUER_NOT_FOUND, NOTHING_PUBLISHED).
  absl::StatusOr<std::shared_ptr<const Document>> Get(absl::string_view issuer_name,
                                                      DocumentKind kind);

  // How many documents were built so far.
  int64_t builds() const;
  // Issuers whose documents are kept now.
  size_t size() const;

 private:
  // What documents are made of. The catalog replaces what it changes, so it is the same
  // while the pointers are.
  struct Inputs {
    std::shared_ptr<const catalog::Issuer> issuer;  // never null
    std::vector<std::shared_ptr<const catalog::Key>> keys;
    std::shared_ptr<const ForeignKeys> foreign;  // null for none
    bool operator==(const Inputs&) const = default;
  };
  struct Entry {
    int64_t revision = 0;  // of a snapshot with these inputs
    Inputs inputs;
    absl::Time built_for;
    absl::Time expires;
    std::shared_ptr<const Document> jwks;
    std::shared_ptr<const Document> discovery;
  };
  static absl::StatusOr<Inputs> Find(const catalog::Snapshot& snapshot,
                                     absl::string_view issuer_name);
  // Whether the documents may be served at `now`; takes note of the snapshot if so.
  static bool IsFresh(Entry& entry, const catalog::Snapshot& snapshot, absl::Time now);
  absl::StatusOr<Entry> Build(const catalog::Snapshot& snapshot, absl::string_view issuer_name,
                              absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const SnapshotSource source_;
  const Clock* const clock_;
  const std::string public_url_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mu_);
  int64_t builds_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_CACHE_H_
