// What sealward-hsm check tries that not every HSM has.
#ifndef SEALWARD_HSM_CHECK_OPTIONAL_H_
#define SEALWARD_HSM_CHECK_OPTIONAL_H_

#include "hsm/check_report.h"
#include "hsm/key_store.h"
#include "hsm/open_partition.h"
#include "hsm/outage.h"
#include "hsm/partition_writer.h"

namespace sealward::hsm {

// OptionalTrials tries, with a pair that the check made, what Sealward works without, and
// the search that it does not work without. Not thread-safe.
class OptionalTrials {
 public:
  OptionalTrials(OpenPartition& partition, const KeyStore& keys, const PartitionWriter& writer,
                 Outage& outage, CheckReport& report)
      : partition_(partition), keys_(keys), writer_(writer), outage_(outage), report_(report) {}

  // Tries all with `object`, up to where the HSM is gone (`outage`), and reports it.
  void Try(const KeyObject& object);

  // Whether a data object was made and not destroyed.
  bool leaves_data_object() const { return leaves_data_object_; }

 private:
  // As it is, after a look at whether the HSM objects to the PIN or is gone.
  absl::Status Seen(absl::Status status);
  void TrySearch(const KeyObject& object, pkcs11::KeyPair& halves);
  void ReadPoint(const KeyObject& object, CK_OBJECT_HANDLE public_key);
  void TryCopy(CK_OBJECT_HANDLE private_key);
  void TryDataObject();
  void TryChange(const KeyObject& object, CK_OBJECT_HANDLE private_key);

  OpenPartition& partition_;
  const KeyStore& keys_;
  const PartitionWriter& writer_;
  Outage& outage_;
  CheckReport& report_;
  bool leaves_data_object_ = false;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CHECK_OPTIONAL_H_
