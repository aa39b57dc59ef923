// Real sealward-hsm processes on real SoftHSM2 partitions, for tests.
#ifndef SEALWARD_TESTS_CONTRACT_HSM_HSM_PROCESS_H_
#define SEALWARD_TESTS_CONTRACT_HSM_HSM_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/algorithms.h"
#include "common/packet_socket.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "tests/contract/hsm/hsm_kinds.h"

namespace sealward::hsm_test {

// TempDirectory is removed with what is in it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  std::string Path(absl::string_view name) const;

 private:
  std::string path_;
};

// What a program that ended left behind.
struct Ended {
  int exit_code = -1;  // -1 if a signal ended it
  int signal = 0;
  bool dumped_core = false;
  std::string log;  // stderr
  std::string out;  // stdout, of RunHsm
};

// Runs sealward-hsm with these arguments to its end.
Ended RunHsm(const std::vector<std::string>& arguments);

// TempPartition is a partition of its own, made by sealward-hsm init.
class TempPartition {
 public:
  // `module` empty for SoftHSM2 itself. `profile` is what hsm.toml is made to say.
  explicit TempPartition(const std::string& module = "", const std::string& profile = "softhsm");
  explicit TempPartition(const HsmKind& kind);
  const std::string& directory() const { return directory_; }
  std::string Path(absl::string_view name) const;
  std::string TokenDirectory() const;

  // Writes a file that belongs to the partition's owner. Replaces it (a new
  // inode), as an operator would.
  void Write(absl::string_view name, absl::string_view content, mode_t mode = 0600) const;
  std::string Read(absl::string_view name) const;
  bool Has(absl::string_view name) const;
  // How often the fault module's `function` was called (tests/fakes/fault_module).
  size_t Calls(absl::string_view function) const;

 private:
  void Init(std::vector<std::string> arguments);

  TempDirectory root_;
  std::string directory_;
};

// HsmProcess is a running `sealward-hsm serve --fd`.
class HsmProcess {
 public:
  explicit HsmProcess(const std::string& directory);
  // Kills what still runs, by its pid.
  ~HsmProcess();
  HsmProcess(const HsmProcess&) = delete;
  HsmProcess& operator=(const HsmProcess&) = delete;

  // The first packet.
  absl::StatusOr<hsm::v1::ResponsePacket> Ready();
  // Sends operations and waits for the answer.
  absl::StatusOr<hsm::v1::ResponsePacket> Call(const std::vector<hsm::v1::Operation>& operations);
  // Sends operations and does not wait.
  absl::Status Post(const std::vector<hsm::v1::Operation>& operations);
  // One operation; an empty result with code -1 if the process ended.
  hsm::v1::Result CallOne(const hsm::v1::Operation& operation);
  absl::Status SendRaw(absl::string_view packet) { return socket_->Send(packet); }
  absl::StatusOr<hsm::v1::ResponsePacket> Receive();

  void Kill(int signal) const;
  // Ends our side of the socket.
  void CloseSocket() { socket_.reset(); }
  // Waits for the process to end.
  Ended Wait();
  pid_t pid() const { return pid_; }
  int fd() const { return socket_->fd(); }
  // Its stderr so far.
  std::string Log() const;
  // The line `name:` of /proc/pid/status.
  std::string StatusLine(absl::string_view name) const;
  // The state of each of its threads, as /proc has it: R, S, D…
  std::string ThreadStates() const;

 private:
  pid_t pid_ = -1;
  int log_fd_ = -1;
  std::optional<PacketSocket> socket_;
  uint64_t next_packet_ = 1;
};

// Operations.
hsm::v1::ObjectRef Ref(absl::string_view id, absl::string_view key = "tenants/acme/keys/login");
hsm::v1::Operation GenerateOp(const hsm::v1::ObjectRef& ref, v1::Algorithm algorithm);
hsm::v1::Operation SignOp(const hsm::v1::ObjectRef& ref, absl::string_view signing_input);
hsm::v1::Operation GetOp(const hsm::v1::ObjectRef& ref);
hsm::v1::Operation ForgetOp(absl::string_view id);
hsm::v1::Operation ListOp(absl::string_view after, uint32_t limit);
hsm::v1::Operation DescribeOp();
hsm::v1::Operation HealthOp();

// A 16-byte object id that ends with `n`.
std::string Id(int n);
// The kid of a key.
std::string KidOf(const hsm::v1::PublicKey& key);
// BASE64URL(header) '.' BASE64URL(payload).
std::string SigningInput(absl::string_view header, absl::string_view payload = "{\"sub\":\"u\"}");
// A signing input that this key accepts.
std::string SigningInputFor(const hsm::v1::PublicKey& key);
// Whether the signature is one of `input` by `key`.
bool Verifies(const hsm::v1::PublicKey& key, absl::string_view input, absl::string_view signature);

}  // namespace sealward::hsm_test

#endif  // SEALWARD_TESTS_CONTRACT_HSM_HSM_PROCESS_H_
