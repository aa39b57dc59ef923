// Making key pairs.
#ifndef SEALWARD_HSM_GENERATOR_H_
#define SEALWARD_HSM_GENERATOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hsm/key_store.h"
#include "hsm/mark_store.h"
#include "hsm/mechanisms.h"
#include "hsm/open_partition.h"
#include "hsm/partition_writer.h"
#include "hsm/signer.h"

namespace sealward::hsm {

// Generated is a pair that is in the partition, on disk, and signs.
struct Generated {
  KeyObject* object = nullptr;
  bool existed = false;
};

// Generator makes key pairs under the partition's lock. Not thread-safe.
class Generator {
 public:
  Generator(OpenPartition& partition, KeyStore& keys, const MarkStore& marks, Signer& signer,
            const PartitionWriter& writer)
      : partition_(partition), keys_(keys), marks_(marks), signer_(signer), writer_(writer) {}

  // Makes a pair with this CKA_ID and CKA_LABEL, or finds the one that an
  // earlier call made. Whatever is returned was read back, has signed a test
  // message that its public key verified, and is synced to disk.
  //
  // ALREADY_EXISTS (OBJECT_EXISTS) if the id belongs to another key or
  // algorithm; FAILED_PRECONDITION (TOMBSTONE if the id was revoked or destroyed,
  // OBJECT_DESTROY_SCHEDULED, ALGORITHM_UNAVAILABLE, KEY_ATTRIBUTES); UNAVAILABLE
  // (PARTITION_LOCKED). After an error nothing of a new pair stays, unless the process is killed:
  // then half a pair may, which the next call for this id destroys.
  absl::StatusOr<Generated> Ensure(const ObjectId& id, const std::string& label,
                                   const Mechanism& mechanism);

 private:
  absl::StatusOr<Generated> EnsureLocked(const ObjectId& id, const std::string& label,
                                         const Mechanism& mechanism);
  absl::Status ClearRemnants(const ObjectId& id, const std::string& label,
                             const std::vector<FoundObject>& remnants);
  absl::StatusOr<KeyObject*> Make(const ObjectId& id, const std::string& label,
                                  const Mechanism& mechanism);
  absl::Status CheckNames(const ObjectId& id, const std::string& label,
                          const pkcs11::KeyPair& pair) const;
  absl::Status Destroy(const pkcs11::KeyPair& pair) const;
  absl::Status DestroyRefused(const ObjectId& id, const std::string& label);
  absl::Status Prove(KeyObject*& object, const Mechanism& mechanism);
  absl::Status CheckMarks(const ObjectId& id) const;

  OpenPartition& partition_;
  KeyStore& keys_;
  const MarkStore& marks_;
  Signer& signer_;
  const PartitionWriter& writer_;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_GENERATOR_H_
