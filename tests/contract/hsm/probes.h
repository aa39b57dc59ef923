// One probe for each hardening measure of a running sealward-hsm.
#ifndef SEALWARD_TESTS_CONTRACT_HSM_PROBES_H_
#define SEALWARD_TESTS_CONTRACT_HSM_PROBES_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>

#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {

inline constexpr char kMarker[] = "marker-5d1f0c6ae2974b83";

// Subject is a sealward-hsm that has signed once and waits, with `without` left out of
// its measures (common/measures.h).
class Subject {
 public:
  explicit Subject(const std::string& without);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  // Whether it got as far as signing; if not, no other member is of use.
  bool serves() const { return serves_; }
  HsmProcess& process() { return *process_; }
  const TempPartition& partition() const { return partition_; }

  // Runs `look` in a child process of the subject's own user; its exit code.
  int AsItsUser(const std::function<int(pid_t subject)>& look) const;
  // How often `needle` stands in its memory, as its own user reads it: 0 to 100, or
  // negative if that user may not read it.
  int Count(const std::string& needle) const;
  // Whether what requests said is gone from memory when they are answered.
  bool ForgetsTheMarker();

 private:
  TempPartition partition_;
  std::unique_ptr<HsmProcess> process_;
  uid_t uid_ = 0;
  bool serves_ = false;
};

// Probe sees the effect of one measure. What `also_without` leaves out besides lets
// it look; it has to hold with that and to fail without `measure`.
struct Probe {
  const char* measure;
  const char* also_without;
  bool (*holds)(Subject& subject);
};

// GoogleTest's name for it.
inline void PrintTo(const Probe& probe, std::ostream* out) { *out << probe.measure; }

// One for each measure of sealward-hsm that a running process shows.
std::span<const Probe> AllProbes();

}  // namespace sealward::hsm_test

#endif  // SEALWARD_TESTS_CONTRACT_HSM_PROBES_H_
