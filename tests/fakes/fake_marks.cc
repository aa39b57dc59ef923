#include "tests/fakes/fake_marks.h"

#include <algorithm>

#include "common/errors.h"

namespace sealward::fakes {
namespace {

using hsm::v1::Mark;

constexpr size_t kLineageBytes = 16;
constexpr absl::Duration kMaxRequestAge = absl::Minutes(1);  // as sealward-hsm's

absl::Status Refuse(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status Destroyed() { return Refuse("DESTROYED", "the key pair is destroyed"); }

}  // namespace

bool FakeMarks::Has(const std::string& object_id, Mark::Kind kind) const {
  const auto found = marks_.find(object_id);
  return found != marks_.end() && found->second.contains(kind);
}

// The first mark of a kind stays.
Mark& FakeMarks::Leave(const hsm::v1::ObjectRef& ref, Mark::Kind kind, int64_t time_us) {
  const auto [entry, added] = marks_[ref.object_id()].try_emplace(kind);
  Mark& mark = entry->second;
  if (added) {
    mark.set_object_id(ref.object_id());
    mark.set_key(ref.key());
    mark.set_kind(kind);
    mark.set_time_us(time_us);
  }
  return mark;
}

absl::Status FakeMarks::Schedule(const hsm::v1::ScheduleDestroy& request, absl::Time now,
                                 absl::Duration least_window) {
  const std::string& id = request.object().object_id();
  if (Has(id, Mark::KIND_DESTROYED)) return Destroyed();
  const absl::Duration least = least_window - std::min(kMaxRequestAge, least_window / 2);
  if (!Has(id, Mark::KIND_DESTROY_SCHEDULED) && least_window > absl::ZeroDuration() &&
      absl::FromUnixMicros(request.destroy_time_us()) < now + least) {
    return Refuse("WINDOW_TOO_SHORT", "the time is nearer than the least window");
  }
  Mark& mark = Leave(request.object(), Mark::KIND_DESTROY_SCHEDULED, request.destroy_time_us());
  mark.set_time_us(std::max(mark.time_us(), request.destroy_time_us()));
  return absl::OkStatus();
}

absl::Status FakeMarks::BeginDestroy(const hsm::v1::Destroy& request, absl::Time now) {
  const std::string& id = request.object().object_id();
  if (Has(id, Mark::KIND_DESTROYED)) return absl::OkStatus();
  if (!Has(id, Mark::KIND_DESTROY_SCHEDULED)) {
    return Refuse("NOT_SCHEDULED", "the key pair is not scheduled for destruction");
  }
  const int64_t scheduled_us = marks_[id][Mark::KIND_DESTROY_SCHEDULED].time_us();
  if (now < absl::FromUnixMicros(scheduled_us)) {
    return Refuse("WINDOW_OPEN", "the key pair's scheduled time is not over");
  }
  Leave(request.object(), Mark::KIND_DESTROYED, absl::ToUnixMicros(now));
  return absl::OkStatus();
}

void FakeMarks::EndDestroy(const std::string& object_id) {
  marks_[object_id].erase(Mark::KIND_DESTROY_SCHEDULED);
}

absl::Status FakeMarks::Cancel(const hsm::v1::CancelDestroy& request) {
  const std::string& id = request.object().object_id();
  if (Has(id, Mark::KIND_DESTROYED)) return Destroyed();
  const auto found = marks_.find(id);
  if (found == marks_.end()) return absl::OkStatus();
  found->second.erase(Mark::KIND_DESTROY_SCHEDULED);
  if (found->second.empty()) marks_.erase(found);
  return absl::OkStatus();
}

absl::Status FakeMarks::Revoke(const hsm::v1::Revoke& request) {
  Leave(request.object(), Mark::KIND_REVOKED, request.revoke_time_us());
  return absl::OkStatus();
}

hsm::v1::MarkList FakeMarks::List(const hsm::v1::ListMarks& request) const {
  hsm::v1::MarkList list;
  for (auto it = marks_.upper_bound(request.after_object_id()); it != marks_.end(); ++it) {
    if (static_cast<uint32_t>(list.marks_size()) == request.limit()) {
      list.set_more(true);
      break;
    }
    *list.add_marks() = it->second.rbegin()->second;
  }
  return list;
}

absl::Status FakeMarks::Advance(const hsm::v1::AdvanceEpoch& request) {
  const hsm::v1::Epoch& wanted = request.epoch();
  if (wanted.lineage().size() != kLineageBytes || wanted.revision() < 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "EPOCH_INVALID",
                     "an epoch has a lineage of 16 bytes and a revision that is not negative");
  }
  const bool first = epoch_.lineage().empty();
  const bool same = epoch_.lineage() == wanted.lineage();
  if (!first && !same && request.recover() != epoch_.lineage()) {
    return Refuse("OTHER_LINEAGE", "the partition belongs to another lineage of the store");
  }
  if (first || !same || wanted.revision() > epoch_.revision()) epoch_ = wanted;
  return absl::OkStatus();
}

absl::Status FakeMarks::CheckSigns(const std::string& object_id) const {
  const auto mark = Get(object_id);
  if (!mark) return absl::OkStatus();
  switch (mark->kind()) {
    case Mark::KIND_DESTROY_SCHEDULED:
      return Refuse("OBJECT_DESTROY_SCHEDULED", "the key pair is scheduled for destruction");
    case Mark::KIND_DESTROYED:
      return Refuse("OBJECT_DESTROYED", "the key pair is destroyed");
    default:
      return Refuse("OBJECT_REVOKED", "the key pair is revoked");
  }
}

absl::Status FakeMarks::CheckGenerates(const std::string& object_id) const {
  if (Has(object_id, Mark::KIND_REVOKED) || Has(object_id, Mark::KIND_DESTROYED)) {
    return Refuse("TOMBSTONE", "the object id has a tombstone");
  }
  return CheckSigns(object_id);
}

absl::Status FakeMarks::CheckKey(const hsm::v1::ObjectRef& ref) const {
  const auto mark = Get(ref.object_id());
  if (mark && !mark->key().empty() && mark->key() != ref.key()) {
    return Refuse("OBJECT_MISMATCH", "the object id was marked for another key");
  }
  return absl::OkStatus();
}

std::optional<Mark> FakeMarks::Get(const std::string& object_id) const {
  const auto found = marks_.find(object_id);
  if (found == marks_.end() || found->second.empty()) return std::nullopt;
  return found->second.rbegin()->second;
}

}  // namespace sealward::fakes
