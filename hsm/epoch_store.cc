#include "hsm/epoch_store.h"

#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "hsm/object_label.h"

namespace sealward::hsm {
namespace {

using Stored = partition::v1::Epoch;

constexpr absl::string_view kEpochLabel = "sealward:1:epoch";

bool IsHigher(const Stored& a, const Stored& b) {
  return std::tuple(a.lineages(), a.revision()) > std::tuple(b.lineages(), b.revision());
}

v1::Epoch FromStored(const Stored& stored) {
  v1::Epoch epoch;
  epoch.set_lineage(stored.lineage());
  epoch.set_revision(stored.revision());
  return epoch;
}

// What `request` makes of the present epoch: the next one, or nullopt if it stays.
absl::StatusOr<std::optional<Stored>> Next(const v1::AdvanceEpoch& request,
                                           const std::optional<Stored>& present) {
  const v1::Epoch& wanted = request.epoch();
  Stored next;
  next.set_lineages(present ? present->lineages() : 1);
  next.set_lineage(wanted.lineage());
  next.set_revision(wanted.revision());
  if (!present) return next;
  if (present->lineage() == wanted.lineage()) {
    return IsHigher(next, *present) ? std::optional<Stored>(next) : std::nullopt;
  }
  if (request.recover() != present->lineage()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "OTHER_LINEAGE",
                     absl::StrCat("the partition's epoch is of another lineage of the store, at "
                                  "revision ",
                                  present->revision()));
  }
  next.set_lineages(present->lineages() + 1);
  return next;
}

}  // namespace

absl::StatusOr<EpochStore::Found> EpochStore::Find() const {
  auto objects = objects_.Find(kEpochLabel);
  if (!objects.ok()) return objects.status();
  Found found;
  for (const DataObject& object : *objects) {
    Stored stored;
    if (!stored.ParseFromString(object.value) || stored.lineage().size() != kLineageBytes) {
      return MakeError(absl::StatusCode::kDataLoss, "EPOCH_UNREADABLE",
                       absl::StrCat("a data object \"", kEpochLabel, "\" holds no epoch"));
    }
    if (found.highest && !IsHigher(stored, *found.highest)) {
      found.lower.push_back(object.handle);
      continue;
    }
    if (found.highest) found.lower.push_back(found.handle);
    found.highest = std::move(stored);
    found.handle = object.handle;
  }
  return found;
}

absl::StatusOr<v1::Epoch> EpochStore::Read() const {
  auto found = Find();
  if (!found.ok()) return found.status();
  return found->highest ? FromStored(*found->highest) : v1::Epoch();
}

absl::Status EpochStore::Replace(const Stored& next, Found& found) const {
  if (absl::Status s = objects_.Make(kEpochLabel, next.SerializeAsString()); !s.ok()) return s;
  SEALWARD_FAILPOINT("hsm.epoch_made");  // beside the one before
  if (found.highest) found.lower.push_back(found.handle);
  found.highest = next;
  return absl::OkStatus();
}

absl::StatusOr<v1::Epoch> EpochStore::Advance(const v1::AdvanceEpoch& request) {
  if (request.epoch().lineage().size() != kLineageBytes || request.epoch().revision() < 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "EPOCH_INVALID",
                     absl::StrCat("an epoch has a lineage of ", kLineageBytes,
                                  " bytes and a revision that is not negative"));
  }
  Found found;
  {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    auto present = Find();
    if (!present.ok()) return present.status();
    found = *std::move(present);
    auto next = Next(request, found.highest);
    if (!next.ok()) return next.status();
    if (*next) {
      if (absl::Status s = Replace(**next, found); !s.ok()) return s;
    }
  }
  // The higher one is on disk before a lower one goes.
  if (absl::Status s = writer_.Flush(); !s.ok()) return s;
  if (!found.lower.empty()) {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    for (const CK_OBJECT_HANDLE handle : found.lower) {
      if (absl::Status s = objects_.Destroy(handle); !s.ok()) return s;
    }
  }
  return FromStored(*found.highest);
}

}  // namespace sealward::hsm
