#include "server/catalog/catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/layout.h"

namespace sealward::catalog {
namespace {

// Reads all records, page by page; `revision` is that of the first page. Later
// pages may be newer: the changes since `revision` make up for it.
absl::StatusOr<Changes> ReadAll(store::Store& store, int64_t& revision) {
  Changes records;
  std::string last;
  for (bool first = true;; first = false) {
    auto page = store.List(kCatalogPrefix, last, store::kMaxListLimit);
    if (!page.ok()) return page.status();
    if (first) revision = page->revision;
    for (store::Entry& entry : page->entries) {
      last = entry.key;
      records[std::move(entry.key)] = Change{std::move(entry.value), entry.mod_revision};
    }
    if (!page->more || page->entries.empty()) return records;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Load(store::Store* store,
                                                       const lifecycle::Margins& margins) {
  std::unique_ptr<Catalog> catalog(new Catalog(store, margins));
  if (absl::Status status = catalog->CatchUp(); !status.ok()) return status;
  return catalog;
}

Catalog::~Catalog() = default;

std::shared_ptr<const Snapshot> Catalog::Get() const {
  absl::MutexLock lock(&mu_);
  return snapshot_;
}

absl::StatusOr<int64_t> Catalog::Commit(const store::Transaction& transaction) {
  auto revision = store_->Commit(transaction);
  if (!revision.ok()) return revision;
  absl::MutexLock lock(&apply_mu_);
  if (absl::Status status = Apply(*revision); !status.ok()) {
    return MakeError(absl::StatusCode::kInternal, "CATALOG_STALE",
                     absl::StrCat("revision ", *revision,
                                  " is committed, but reading it back "
                                  "failed: ",
                                  status.message()));
  }
  return revision;
}

absl::Status Catalog::CatchUp() {
  absl::MutexLock lock(&apply_mu_);
  // Asked first: the watch then has everything up to here.
  const auto revision = store_->Revision();
  return revision.ok() ? Apply(*revision) : revision.status();
}

absl::Status Catalog::Apply(int64_t revision) {
  absl::Status status = watch_ == nullptr ? Reload(revision) : Follow(revision);
  // What the watch has handed out is lost with the attempt: start again next time.
  if (!status.ok()) watch_ = nullptr;
  return status;
}

absl::Status Catalog::Follow(int64_t revision) {
  Changes changes;
  absl::Status drained = Drain(changes, revision);
  if (absl::IsOutOfRange(drained) || !DeletesOnlyLeaves(changes)) return Reload(revision);
  if (!drained.ok()) return drained;
  const std::shared_ptr<const Snapshot> base = Get();
  revision = std::max(revision, base->revision);
  if (revision == base->revision && changes.empty()) return absl::OkStatus();
  auto next = ApplyChanges(*base, changes, revision);
  if (!next.ok()) return next.status();
  Show(*std::move(next));
  return absl::OkStatus();
}

absl::Status Catalog::Reload(int64_t revision) {
  int64_t read_at = 0;
  auto records = ReadAll(*store_, read_at);
  if (!records.ok()) return records.status();
  auto watch = store_->WatchPrefix(kCatalogPrefix, read_at);
  if (!watch.ok()) return watch.status();
  watch_ = *std::move(watch);
  revision = std::max(revision, read_at);
  if (absl::Status status = Drain(*records, revision); !status.ok()) return status;
  std::erase_if(*records, [](const auto& record) { return !record.second.value; });
  Snapshot nothing;
  nothing.margins = margins_;
  auto snapshot = ApplyChanges(nothing, *records, revision);
  if (!snapshot.ok()) return snapshot.status();
  Show(*std::move(snapshot));
  return absl::OkStatus();
}

absl::Status Catalog::Drain(Changes& changes, int64_t& revision) {
  for (;;) {
    auto events = watch_->Poll(absl::ZeroDuration());
    if (!events.ok()) return events.status();
    if (events->empty()) return absl::OkStatus();
    for (store::Event& event : *events) {
      revision = std::max(revision, event.mod_revision);
      changes[std::move(event.key)] = Change{std::move(event.value), event.mod_revision};
    }
  }
}

void Catalog::Show(std::shared_ptr<const Snapshot> snapshot) {
  absl::MutexLock lock(&mu_);
  snapshot_ = std::move(snapshot);
}

}  // namespace sealward::catalog
