#include "server/publish/cache.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/publish/discovery.h"
#include "server/publish/jwks.h"

namespace sealward::publish {

DocumentCache::DocumentCache(SnapshotSource source, const Clock* clock, std::string public_url)
    : source_(std::move(source)), clock_(clock), public_url_(std::move(public_url)) {}

absl::StatusOr<std::shared_ptr<const Document>> DocumentCache::Get(absl::string_view issuer_name,
                                                                   DocumentKind kind) {
  const absl::MutexLock lock(&mu_);
  // Both are read under the lock: a thread that waited for it must not put an
  // older snapshot in the place of a newer one.
  const std::shared_ptr<const catalog::Snapshot> snapshot = source_();
  const absl::Time now = clock_->Now();

  auto found = entries_.find(issuer_name);
  if (found == entries_.end() || !IsFresh(found->second, *snapshot, now)) {
    absl::StatusOr<Entry> entry = Build(*snapshot, issuer_name, now);
    if (!entry.ok()) {
      if (found != entries_.end()) entries_.erase(found);
      return entry.status();
    }
    if (found == entries_.end()) {
      if (entries_.size() >= kMaxCachedIssuers) entries_.erase(entries_.begin());
      found = entries_.emplace(issuer_name, Entry{}).first;
    }
    found->second = *std::move(entry);
  }
  return kind == DocumentKind::kJwks ? found->second.jwks : found->second.discovery;
}

absl::StatusOr<DocumentCache::Inputs> DocumentCache::Find(const catalog::Snapshot& snapshot,
                                                          absl::string_view issuer_name) {
  const auto issuer = snapshot.issuers.find(issuer_name);
  if (issuer == snapshot.issuers.end()) {
    return MakeError(absl::StatusCode::kNotFound, "ISSUER_NOT_FOUND",
                     absl::StrCat("there is no issuer ", issuer_name));
  }
  Inputs inputs{issuer->second, {}, nullptr};
  if (const auto keys = snapshot.keys_of_issuer.find(issuer_name);
      keys != snapshot.keys_of_issuer.end()) {
    inputs.keys = keys->second;
  }
  if (const auto foreign = snapshot.foreign_keys.find(issuer_name);
      foreign != snapshot.foreign_keys.end()) {
    inputs.foreign = foreign->second;
  }
  return inputs;
}

bool DocumentCache::IsFresh(Entry& entry, const catalog::Snapshot& snapshot, absl::Time now) {
  if (now < entry.built_for || now >= entry.expires) return false;
  if (entry.revision == snapshot.revision) return true;
  const auto inputs = Find(snapshot, entry.inputs.issuer->name);
  if (!inputs.ok() || *inputs != entry.inputs) return false;
  entry.revision = snapshot.revision;
  return true;
}

absl::StatusOr<DocumentCache::Entry> DocumentCache::Build(const catalog::Snapshot& snapshot,
                                                          absl::string_view issuer_name,
                                                          absl::Time now) {
  absl::StatusOr<Inputs> inputs = Find(snapshot, issuer_name);
  if (!inputs.ok()) return inputs.status();
  static const ForeignKeys kNone;
  const ForeignKeys& foreign = inputs->foreign == nullptr ? kNone : *inputs->foreign;
  ++builds_;
  absl::StatusOr<Document> jwks = BuildJwks(*inputs->issuer, inputs->keys, now, foreign);
  if (!jwks.ok()) return jwks.status();
  absl::StatusOr<Document> discovery =
      BuildDiscovery(*inputs->issuer, inputs->keys, public_url_, now, foreign);
  if (!discovery.ok()) return discovery.status();
  Entry entry;
  entry.revision = snapshot.revision;
  entry.inputs = *std::move(inputs);
  entry.built_for = now;
  entry.expires = jwks->expires;
  entry.jwks = std::make_shared<const Document>(*std::move(jwks));
  entry.discovery = std::make_shared<const Document>(*std::move(discovery));
  return entry;
}

int64_t DocumentCache::builds() const {
  const absl::MutexLock lock(&mu_);
  return builds_;
}

size_t DocumentCache::size() const {
  const absl::MutexLock lock(&mu_);
  return entries_.size();
}

}  // namespace sealward::publish
