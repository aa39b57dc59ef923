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
  explicit LocalPartition(const Clock& clock, absl::string_view profile = "softhsm");
  ~LocalPartition();

  // Operations of a packet, through dispatch; or one.
  hsm::v1::ResponsePacket Call(const std::vector<hsm::v1::Operation>& operations);
  hsm::v1::Result CallOne(const hsm::v1::Operation& operation);
  // The same in two steps, as hsm::Dispatcher has them.
  void Take(const std::vector<hsm::v1::Operation>& operations);
  hsm::v1::ResponsePacket Finish();

  // A process of the same partition that starts now.
  void Restart();

  // For what the verbs do not do.
  const pkcs11::Session& session() const { return *partition_->open().objects; }

 private:
  std::unique_ptr<hsm::OpenPartition> LogIn();

  const Clock& clock_;
  const hsm::Profile& profile_;
  TempDirectory directory_;
  std::unique_ptr<hsm::Partition> partition_;
  std::unique_ptr<hsm::Dispatcher> dispatcher_;
  uint64_t next_packet_ = 1;
};

}  // namespace sealward::hsm_test

#endif  // SEALWARD_TESTS_CONTRACT_HSM_LOCAL_PARTITION_H_
