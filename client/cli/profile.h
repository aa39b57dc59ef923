// Profile files: the connection's settings, so that they need not be typed.
#ifndef SEALWARD_CLIENT_CLI_PROFILE_H_
#define SEALWARD_CLIENT_CLI_PROFILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace sealward::client::cli {

// Largest profile file.
inline constexpr size_t kMaxProfileBytes = 64 * 1024;

// Profile is whom to talk to, and as whom. Empty means not given.
struct Profile {
  std::string server;          // HOST:PORT of the admin listener, or unix:/PATH
  std::string signing_server;  // HOST:PORT of the signing listener; default: server
  std::string cert;            // PEM files
  std::string key;
  std::string ca;
};

// Reads a TOML file with the keys server, signing_server, cert, key and ca;
// paths are relative to the file's folder. INVALID_ARGUMENT (USAGE) naming the
// file and, where there is one, the line and the key.
absl::StatusOr<Profile> ReadProfile(const std::string& path);

// `flags` with what they leave empty taken from `file`.
Profile Merge(const Profile& flags, const Profile& file);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_PROFILE_H_
