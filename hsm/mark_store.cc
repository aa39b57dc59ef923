#include "hsm/mark_store.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "hsm/log.h"
#include "sealward/partition/v1/partition.pb.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kMarkPrefix = "sealward:1:mark:";

std::string LabelFor(const ObjectId& id) { return absl::StrCat(kMarkPrefix, Hex(id)); }

// The id in a mark's label; nullopt if it is no mark's.
std::optional<ObjectId> IdIn(absl::string_view label) {
  if (!absl::ConsumePrefix(&label, kMarkPrefix)) return std::nullopt;
  const auto id = ToObjectId(absl::HexStringToBytes(label));
  return id && Hex(*id) == label ? id : std::nullopt;
}

}  // namespace

void Marks::Add(const ObjectId& id, const DataObject& object) {
  partition::v1::Mark stored;
  v1::Mark mark;
  mark.set_object_id(id.data(), id.size());
  if (stored.ParseFromString(object.value) && stored.object_id() == View(id) && stored.kind() > 0) {
    mark.set_key(stored.key());
    mark.set_kind(static_cast<v1::Mark::Kind>(stored.kind()));
    mark.set_time_us(stored.time_us());
  } else {
    LogWarning(absl::StrCat("a mark of object ", Hex(id), " cannot be read"));
    mark.set_kind(v1::Mark::KIND_REVOKED);
  }
  marks_.push_back({object.handle, std::move(mark)});
  std::ranges::sort(marks_, {}, [](const Entry& entry) {
    return std::tuple(entry.mark.kind(), entry.mark.time_us());
  });
}

const v1::Mark* Marks::Highest() const { return marks_.empty() ? nullptr : &marks_.back().mark; }

const v1::Mark* Marks::Of(v1::Mark::Kind kind) const {
  const v1::Mark* found = nullptr;
  for (const Entry& entry : marks_) {
    if (entry.mark.kind() == kind) found = &entry.mark;
  }
  return found;
}

v1::Mark::Kind Marks::kind() const {
  return marks_.empty() ? v1::Mark::KIND_UNSPECIFIED : marks_.back().mark.kind();
}

bool Marks::BelongTo(absl::string_view key) const {
  return std::ranges::all_of(marks_, [&](const Entry& entry) {
    return entry.mark.key().empty() || entry.mark.key() == key;
  });
}

std::vector<CK_OBJECT_HANDLE> Marks::HandlesOf(v1::Mark::Kind kind) const {
  std::vector<CK_OBJECT_HANDLE> handles;
  for (const Entry& entry : marks_) {
    if (entry.mark.kind() == kind) handles.push_back(entry.handle);
  }
  return handles;
}

absl::StatusOr<Marks> MarkStore::For(const ObjectId& id) const {
  auto objects = objects_.Find(LabelFor(id));
  if (!objects.ok()) return objects.status();
  Marks marks;
  for (const DataObject& object : *objects) marks.Add(id, object);
  return marks;
}

absl::Status MarkStore::Refresh() {
  auto objects = objects_.FindAll();
  if (!objects.ok()) return objects.status();
  all_.clear();
  for (const DataObject& object : *objects) {
    if (const auto id = IdIn(object.label)) all_[*id].Add(*id, object);
  }
  refreshed_ = true;
  return absl::OkStatus();
}

v1::Mark::Kind MarkStore::KindOf(const ObjectId& id) const {
  const auto found = all_.find(id);
  return found == all_.end() ? v1::Mark::KIND_UNSPECIFIED : found->second.kind();
}

absl::Status MarkStore::Leave(const v1::Mark& mark) const {
  partition::v1::Mark stored;
  stored.set_object_id(mark.object_id());
  stored.set_key(mark.key());
  stored.set_kind(static_cast<partition::v1::Mark::Kind>(mark.kind()));
  stored.set_time_us(mark.time_us());
  return objects_.Make(LabelFor(*ToObjectId(mark.object_id())), stored.SerializeAsString());
}

}  // namespace sealward::hsm
