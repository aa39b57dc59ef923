// What the records of every kind share: times, and decoding with one error.
#ifndef SEALWARD_SERVER_CATALOG_RECORD_CODEC_H_
#define SEALWARD_SERVER_CATALOG_RECORD_CODEC_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/catalog/records.h"

namespace sealward::catalog {

// Microseconds since the Unix epoch, rounded down; InfiniteFuture is 0.
inline int64_t ToRecord(absl::Time time) {
  return time == absl::InfiniteFuture() ? 0 : absl::ToUnixMicros(time);
}

inline absl::Time FromRecord(int64_t us) {
  return us == 0 ? absl::InfiniteFuture() : absl::FromUnixMicros(us);
}

// A time that is InfinitePast where nothing happened.
inline int64_t ToRecordOrPast(absl::Time time) {
  return time == absl::InfinitePast() ? 0 : absl::ToUnixMicros(time);
}

inline absl::Time FromRecordOrPast(int64_t us) {
  return us == 0 ? absl::InfinitePast() : absl::FromUnixMicros(us);
}

// DATA_LOSS (RECORD_CORRUPT) for bytes that are no Record.
template <typename Record>
absl::StatusOr<Record> Decode(const Stored& stored) {
  Record record;
  if (record.ParseFromArray(stored.value.data(), static_cast<int>(stored.value.size()))) {
    return record;
  }
  return CorruptRecord(stored.store_key, absl::StrCat("it is no ", Record().GetTypeName()));
}

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_RECORD_CODEC_H_
