// What a key is for: the flags of a new key's purpose and scope.
#ifndef SEALWARD_CLIENT_CLI_PURPOSE_OPTIONS_H_
#define SEALWARD_CLIENT_CLI_PURPOSE_OPTIONS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "common/resource_name.h"
#include "sealward/v1/key_service.pb.h"

namespace sealward::client::cli {

// PurposeFlags is what a command line says about a key's purpose, as given. Some flags are for
// one purpose only.
struct PurposeFlags {
  std::string name = "jwt";  // or "raw"
  // For JWTs.
  std::string issuer;
  std::vector<std::string> audiences;
  std::vector<std::string> typs;
  std::string max_jwt_lifetime;
  std::vector<std::string> subject_prefixes;
  bool require_subject = false;
  bool require_jti = false;
  // Raw.
  std::string retire_after;
  std::string propagation_time;

  // Sets purpose and scope of `key`, which is to be called `key_name`. INVALID_ARGUMENT (USAGE)
  // for a flag of the other purpose, and one that is missing.
  absl::Status Fill(const KeyName& key_name, v1::Key& key) const;
};

// Adds the flags. REQUIRES: `flags` outlives the command.
void AddPurposeOptions(CLI::App& command, PurposeFlags& flags);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_PURPOSE_OPTIONS_H_
