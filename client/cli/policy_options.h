// The rotation policy flags of keys.
#ifndef SEALWARD_CLIENT_CLI_POLICY_OPTIONS_H_
#define SEALWARD_CLIENT_CLI_POLICY_OPTIONS_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sealward/v1/key_service.pb.h"

namespace sealward::client::cli {

// PolicyFlags is what a command line says about a rotation policy, as given.
struct PolicyFlags {
  std::string rotation_period;  // or "never"
  std::string max_signing_time;
  std::string max_standby_time;
  std::string destroy_after;  // or "never"
  std::string recovery_window;

  bool given() const;

  // Sets what is given in `policy`. What is not given stays, but for the times whose
  // default follows the rotation period and that had it: those follow the new one.
  // INVALID_ARGUMENT (USAGE).
  absl::Status Fill(v1::RotationPolicy& policy) const;
};

// Adds the flags. REQUIRES: `flags` outlives the command.
void AddPolicyOptions(CLI::App& command, PolicyFlags& flags);

// "30d", "1h30m".
std::string LongDurationText(absl::Duration duration);

// "every 30d, signs at most 60d, destroyed after 90d".
std::string PolicyText(const v1::RotationPolicy& policy);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_POLICY_OPTIONS_H_
