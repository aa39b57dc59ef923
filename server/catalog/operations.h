// What the store remembers about itself, its partitions and its clock, and what is
// published or destroyed without being a version: immutable values of the catalog.
#ifndef SEALWARD_SERVER_CATALOG_OPERATIONS_H_
#define SEALWARD_SERVER_CATALOG_OPERATIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "sealward/v1/jwk.pb.h"

namespace sealward::catalog {

// ForeignKey is somebody else's public key, published with an issuer's own.
struct ForeignKey {
  std::string name;  // tenants/{tenant}/issuers/{issuer}/foreignKeys/{foreign_key}
  v1::PublicJwk jwk;
  std::string description;
  absl::Time create_time;
  absl::Time expire_time;  // from when on it is no longer published
  int64_t mod_revision = 0;
};

inline constexpr size_t kLineageBytes = 16;

// StoreIdentity tells this store from older copies of it that went another way.
struct StoreIdentity {
  std::string lineage;  // 16 random bytes; empty until it is made
  int64_t mod_revision = 0;
};

// PartitionMemory is what the store knows of a partition.
struct PartitionMemory {
  std::string name;  // partitions/{partition}
  // Since when the store is known to be older than the partition; InfiniteFuture if
  // it is not. Nothing of the partition signs meanwhile.
  absl::Time rolled_back = absl::InfiniteFuture();
  std::string rollback;  // what was found then, for people
  // That the partition had then, or still has: given up with the next epoch.
  std::string partition_lineage;
  // Newest epoch of the partition that the store stands for; 0: its keys say.
  int64_t known_epoch_revision = 0;
  // When persons accepted it although it was older; InfinitePast: never.
  absl::Time recovered = absl::InfinitePast();
  int64_t mod_revision = 0;
};

// ClockMemory is what the lifecycle clock wrote last.
struct ClockMemory {
  absl::Time high_water = absl::InfinitePast();  // InfinitePast: nothing yet
  absl::Duration boot_time;                      // CLOCK_BOOTTIME then
  std::string boot_id;                           // that boot_time belongs to
  absl::Time frozen = absl::InfiniteFuture();    // stands still at; InfiniteFuture: it runs
  bool waiting = false;                          // for the confirmed clock to reach it
  std::string frozen_reason;                     // for people
  int64_t mod_revision = 0;
};

// QuarantinedObject is an object of a partition that no version owns and that is to
// be destroyed.
struct QuarantinedObject {
  std::string name;  // partitions/{partition}/quarantinedObjects/{CKA_ID}
  std::string key;   // in its label; empty if it has none
  bool raw = false;  // whether its label is of purpose RAW
  std::string purger;
  absl::Time schedule_time;
  absl::Time destroy_due;
  bool destroy_marked = false;  // whether the partition has the mark
  int64_t mod_revision = 0;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_OPERATIONS_H_
