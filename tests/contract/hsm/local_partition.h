// sealward-hsm's partition inside a test: SoftHSM2 and a clock that the test moves.
#ifndef SEALWARD_TESTS_CONTRACT_HSM_LOCAL_PARTITION_H_
#define SEALWARD_TESTS_CONTRACT_HSM_LOCAL_PARTITION_H_

#include <memory>

#include "common/clock.h"
#include "hsm/dispatch.h"
#include "hsm/partition.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {

// LocalPartition makes a SoftHSM2 token in a folder of its own, which becomes the
// working directory, and serves it as a process would, without the sandbox. One at
// a time. Not thread-safe.
class LocalPartition {
 public:
  explicit LocalPartition(const Clock& clock);
  ~LocalPartition();

  // One operation, through dispatch.
  hsm::v1::Result CallOne(const hsm::v1::Operation& operation);

  // A process of the same partition that starts now.
  void Restart();

  // For what the verbs do not do.
  const pkcs11::Session& session() const { return *partition_->open().objects; }

 private:
  std::unique_ptr<hsm::OpenPartition> LogIn();

  const Clock& clock_;
  TempDirectory directory_;
  std::unique_ptr<hsm::Partition> partition_;
  std::unique_ptr<hsm::Dispatcher> dispatcher_;
  uint64_t next_packet_ = 1;
};

}  // namespace sealward::hsm_test

#endif  // SEALWARD_TESTS_CONTRACT_HSM_LOCAL_PARTITION_H_
