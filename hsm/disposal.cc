#include "hsm/disposal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "hsm/log.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

using v1::Mark;

absl::Status Refuse(absl::string_view reason, const Subject& subject, absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                   absl::StrCat("object ", Hex(subject.id), " ", message));
}

absl::Status AlreadyDestroyed(const Subject& subject) {
  return Refuse("DESTROYED", subject, "is destroyed");
}

// Whether an object with this label is the subject. An empty label is a remnant's,
// left by a process that was killed before it wrote one.
bool IsSubjects(const Subject& subject, const std::string& label) {
  const auto attributed = ObjectLabel::Parse(label);
  if (!attributed) return label.empty() || !subject.label;
  return subject.label && attributed->IsOfSameKey(*subject.label);
}

std::string KeyOf(const Subject& subject) { return subject.label ? subject.label->key : ""; }

}  // namespace

absl::StatusOr<Disposal::Found> Disposal::Look(const Subject& subject) const {
  if (subject.id == kCanaryId) {
    return Refuse("CANARY", subject, "is the key of health checks; it stays");
  }
  auto objects = keys_.Search(subject.id);
  if (!objects.ok()) return objects.status();
  auto marks = marks_.For(subject.id);
  if (!marks.ok()) return marks.status();
  const auto is_subjects = [&](const FoundObject& object) {
    return IsSubjects(subject, object.label);
  };
  if (!std::ranges::all_of(*objects, is_subjects) || !marks->BelongTo(KeyOf(subject))) {
    return Refuse("OBJECT_MISMATCH", subject,
                  "carries another key's name or purpose in its label or in a mark");
  }
  return Found{*std::move(objects), *std::move(marks)};
}

absl::Status Disposal::Leave(const Subject& subject, Mark::Kind kind, absl::Time time) const {
  Mark mark;
  mark.set_object_id(subject.id.data(), subject.id.size());
  mark.set_key(KeyOf(subject));
  mark.set_kind(kind);
  mark.set_time_us(absl::ToUnixMicros(time));
  const absl::Status left = marks_.Leave(mark);
  SEALWARD_FAILPOINT("hsm.mark_left");
  return left;
}

absl::Status Disposal::RemoveMarks(const std::vector<CK_OBJECT_HANDLE>& handles) const {
  for (const CK_OBJECT_HANDLE handle : handles) {
    if (absl::Status s = marks_.Remove(handle); !s.ok()) return s;
    SEALWARD_FAILPOINT("hsm.mark_removed");
  }
  return absl::OkStatus();
}

absl::Status Disposal::Schedule(const Subject& subject, absl::Time destroy_time) {
  std::vector<CK_OBJECT_HANDLE> replaced;
  {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    if (absl::Status s = LeaveSchedule(subject, destroy_time, replaced); !s.ok()) return s;
  }
  keys_.Forget(subject.id);
  if (absl::Status s = writer_.Flush(); !s.ok() || replaced.empty()) return s;
  auto lock = writer_.Lock();
  return lock.ok() ? RemoveMarks(replaced) : lock.status();
}

absl::Status Disposal::LeaveSchedule(const Subject& subject, absl::Time destroy_time,
                                     std::vector<CK_OBJECT_HANDLE>& replaced) {
  auto found = Look(subject);
  if (!found.ok()) return found.status();
  if (found->marks.Of(Mark::KIND_DESTROYED) != nullptr) return AlreadyDestroyed(subject);
  if (found->objects.empty() && found->marks.empty() && !subject.label) {
    return MakeError(absl::StatusCode::kNotFound, "OBJECT_NOT_FOUND",
                     absl::StrCat("the partition has nothing with object id ", Hex(subject.id)));
  }
  const Mark* present = found->marks.Of(Mark::KIND_DESTROY_SCHEDULED);
  // A repeated call finds the time nearer than it was, so only the first is measured.
  if (present == nullptr) {
    if (absl::Status s = CheckWindow(subject, destroy_time); !s.ok()) return s;
  }
  if (present != nullptr && absl::ToUnixMicros(destroy_time) <= present->time_us()) {
    return absl::OkStatus();
  }
  replaced = found->marks.HandlesOf(Mark::KIND_DESTROY_SCHEDULED);
  return Leave(subject, Mark::KIND_DESTROY_SCHEDULED, destroy_time);
}

absl::Status Disposal::CheckWindow(const Subject& subject, absl::Time destroy_time) const {
  const absl::Duration window = partition_.config.least_destroy_window;
  const absl::Duration least = window - std::min(kMaxRequestAge, window / 2);
  if (window == absl::ZeroDuration() || destroy_time >= clock_.Now() + least) {
    return absl::OkStatus();
  }
  return Refuse(
      "WINDOW_TOO_SHORT", subject,
      absl::StrCat("can be destroyed ", absl::FormatDuration(window), " from now at the earliest"));
}

absl::Status Disposal::Cancel(const Subject& subject) {
  {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    auto found = Look(subject);
    if (!found.ok()) return found.status();
    if (found->marks.Of(Mark::KIND_DESTROYED) != nullptr) return AlreadyDestroyed(subject);
    // The latest time goes last: a kill in between brings nothing forward.
    const auto schedules = found->marks.HandlesOf(Mark::KIND_DESTROY_SCHEDULED);
    if (absl::Status s = RemoveMarks(schedules); !s.ok()) return s;
  }
  keys_.Forget(subject.id);
  return writer_.Flush();
}

absl::Status Disposal::Destroy(const Subject& subject) {
  std::optional<Found> found;
  {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    auto entombed = LeaveTombstone(subject);
    if (!entombed.ok()) return entombed.status();
    found = *std::move(entombed);
  }
  keys_.Forget(subject.id);
  // Were the pair's end on disk before the tombstone, a power cut could leave neither.
  if (absl::Status s = writer_.Flush(); !s.ok()) return s;
  SEALWARD_FAILPOINT("hsm.tombstone_flushed");
  {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    if (absl::Status s = RemovePair(subject, *found); !s.ok()) return s;
  }
  return writer_.Flush();
}

// From here on there is no way back, so nothing is checked again when it is repeated.
absl::StatusOr<Disposal::Found> Disposal::LeaveTombstone(const Subject& subject) {
  auto found = Look(subject);
  if (!found.ok() || found->marks.Of(Mark::KIND_DESTROYED) != nullptr) return found;
  const Mark* scheduled = found->marks.Of(Mark::KIND_DESTROY_SCHEDULED);
  if (scheduled == nullptr) {
    return Refuse("NOT_SCHEDULED", subject, "is not scheduled for destruction");
  }
  const absl::Time now = clock_.Now();
  const absl::Time due = absl::FromUnixMicros(scheduled->time_us());
  if (now < due) {
    return Refuse("WINDOW_OPEN", subject,
                  absl::StrCat("is scheduled for ", absl::FormatTime(due, absl::UTCTimeZone())));
  }
  if (absl::Status s = Leave(subject, Mark::KIND_DESTROYED, now); !s.ok()) return s;
  return found;
}

absl::Status Disposal::RemovePair(const Subject& subject, const Found& found) {
  std::vector<FoundObject> objects = found.objects;
  // What can sign goes first.
  std::ranges::partition(
      objects, [](const FoundObject& object) { return object.object_class == CKO_PRIVATE_KEY; });
  for (const FoundObject& object : objects) {
    const absl::Status s = partition_.objects->Destroy(object.handle);
    if (!s.ok() && !pkcs11::IsStaleHandle(pkcs11::RvOf(s))) return s;
    SEALWARD_FAILPOINT("hsm.half_destroyed");  // the second time: both
  }
  LogInfo(absl::StrCat("object ", Hex(subject.id), " is destroyed"));
  return RemoveMarks(found.marks.HandlesOf(Mark::KIND_DESTROY_SCHEDULED));
}

// The mark alone stops every sealward-hsm. The pair itself is not touched: SoftHSM2
// changes an attribute by emptying the object's file and writing it anew
// (ObjectFile::writeAttributes), and a kill in between costs the pair its CKA_ID.
absl::Status Disposal::Revoke(const Subject& subject, absl::Time revoke_time) {
  {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    auto found = Look(subject);
    if (!found.ok()) return found.status();
    if (found->marks.Of(Mark::KIND_REVOKED) == nullptr) {
      if (absl::Status s = Leave(subject, Mark::KIND_REVOKED, revoke_time); !s.ok()) return s;
    }
  }
  keys_.Forget(subject.id);
  return writer_.Flush();
}

}  // namespace sealward::hsm
