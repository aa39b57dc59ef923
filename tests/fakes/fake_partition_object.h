// One key pair of a FakePartition.
#ifndef SEALWARD_TESTS_FAKES_FAKE_PARTITION_OBJECT_H_
#define SEALWARD_TESTS_FAKES_FAKE_PARTITION_OBJECT_H_

#include <cstdint>
#include <memory>

#include "common/algorithms.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "tests/fakes/fake_key.h"
#include "tests/fakes/fake_partition.h"

namespace sealward::fakes {

struct FakePartition::Object {
  hsm::v1::ObjectRef ref;
  const AlgorithmInfo* algorithm = nullptr;
  std::unique_ptr<FakeKey> key;
  uint64_t signatures = 0;

  // As in the real partition: the label says whose it is.
  bool attributable() const { return !ref.key().empty(); }

  hsm::v1::PublicKey PublicKey(bool existed) const {
    hsm::v1::PublicKey out;
    *out.mutable_object() = ref;
    out.set_algorithm(algorithm->algorithm);
    out.set_spki(key->Spki());
    out.set_existed(existed);
    return out;
  }
};

}  // namespace sealward::fakes

#endif  // SEALWARD_TESTS_FAKES_FAKE_PARTITION_OBJECT_H_
