// What the lifecycle keeps in the records of keys and versions.
#ifndef SEALWARD_SERVER_CATALOG_LIFECYCLE_RECORDS_H_
#define SEALWARD_SERVER_CATALOG_LIFECYCLE_RECORDS_H_

#include "absl/strings/string_view.h"
#include "sealward/store/v1/records.pb.h"
#include "server/catalog/snapshot.h"

namespace sealward::catalog {

// Rotation policy and pause of a key. A record from before there were policies is
// one of a key that is rotated by hand only, without a hard end.
void SetLifecycle(const Key& key, store::v1::KeyRecord& record);
void ReadLifecycle(const store::v1::KeyRecord& record, Key& key);
// What is wrong with them; empty if nothing is.
absl::string_view LifecycleProblem(const store::v1::KeyRecord& record);

void SetTimes(const lifecycle::VersionTimes& times, store::v1::KeyVersionRecord& record);
lifecycle::VersionTimes TimesIn(const store::v1::KeyVersionRecord& record);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_LIFECYCLE_RECORDS_H_
