// Partition's verbs about marks and the epoch.
#include <utility>

#include "hsm/partition.h"

namespace sealward::hsm {
namespace {

// Bytes that a mark in a list takes besides what it serializes to.
constexpr size_t kListFramingBytes = 8;

// Who is to go. Without key and purpose it is a pair that no label attributes.
absl::StatusOr<Subject> ParseSubject(const v1::ObjectRef& ref) {
  auto id = ParseObjectId(ref.object_id());
  if (!id.ok()) return id.status();
  Subject subject{*id, ObjectLabel::FromRef(ref)};
  const bool bare = ref.key().empty() && ref.purpose() == v1::OBJECT_PURPOSE_UNSPECIFIED;
  if (!subject.label && !bare) {
    return InvalidRef("the reference names no purpose, or no tenants/{t}/keys/{k}");
  }
  return subject;
}

absl::StatusOr<absl::Time> ParseTime(int64_t time_us) {
  if (time_us > 0) return absl::FromUnixMicros(time_us);
  return InvalidRef("a time is a number of microseconds after the Unix epoch");
}

}  // namespace

absl::Status Partition::ScheduleDestroy(const v1::ScheduleDestroy& request) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  auto subject = ParseSubject(request.object());
  if (!subject.ok()) return subject.status();
  auto time = ParseTime(request.destroy_time_us());
  return time.ok() ? disposal_.Schedule(*subject, *time) : time.status();
}

absl::Status Partition::Destroy(const v1::Destroy& request) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  auto subject = ParseSubject(request.object());
  return subject.ok() ? disposal_.Destroy(*subject) : subject.status();
}

absl::Status Partition::CancelDestroy(const v1::CancelDestroy& request) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  auto subject = ParseSubject(request.object());
  return subject.ok() ? disposal_.Cancel(*subject) : subject.status();
}

absl::Status Partition::Revoke(const v1::Revoke& request) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  auto subject = ParseSubject(request.object());
  if (!subject.ok()) return subject.status();
  if (!subject->label) return InvalidRef("only a key's pair can be revoked");
  auto time = ParseTime(request.revoke_time_us());
  return time.ok() ? disposal_.Revoke(*subject, *time) : time.status();
}

absl::Status Partition::ListMarks(const v1::ListMarks& request, size_t room_bytes,
                                  v1::MarkList& out) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  if (request.limit() < 1) return InvalidRef("a list has a limit of 1 to 256");
  if (!request.after_object_id().empty()) {
    if (auto after = ParseObjectId(request.after_object_id()); !after.ok()) return after.status();
  }
  // The first page reads the partition; later ones go on in what it saw.
  if (request.after_object_id().empty() || !marks_.refreshed()) {
    if (absl::Status s = marks_.Refresh(); !s.ok()) return s;
  }
  for (const auto& [id, marks] : marks_.all()) {
    if (View(id) <= absl::string_view(request.after_object_id())) continue;
    const v1::Mark& mark = *marks.Highest();
    const size_t size = mark.ByteSizeLong() + kListFramingBytes;
    if (static_cast<uint32_t>(out.marks_size()) == request.limit() || size > room_bytes) {
      out.set_more(true);
      break;
    }
    room_bytes -= size;
    *out.add_marks() = mark;
  }
  return absl::OkStatus();
}

absl::Status Partition::ReadEpoch(v1::Epoch& out) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  auto epoch = epoch_.Read();
  if (!epoch.ok()) return epoch.status();
  out = *std::move(epoch);
  return absl::OkStatus();
}

absl::Status Partition::AdvanceEpoch(const v1::AdvanceEpoch& request, v1::Epoch& out) {
  if (absl::Status s = data_objects_.CheckAvailable(); !s.ok()) return s;
  auto epoch = epoch_.Advance(request);
  if (!epoch.ok()) return epoch.status();
  out = *std::move(epoch);
  return absl::OkStatus();
}

}  // namespace sealward::hsm
