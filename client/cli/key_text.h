// Keys, versions and rotations as text.
#ifndef SEALWARD_CLIENT_CLI_KEY_TEXT_H_
#define SEALWARD_CLIENT_CLI_KEY_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/key_service.pb.h"

namespace sealward::client::cli {

// "ES256"; "?" for one that this CLI does not know.
std::string AlgorithmText(v1::Algorithm algorithm);

// "3" of …/versions/3; "" of "".
std::string VersionNumber(absl::string_view version_name);

std::string KeyText(const v1::Key& key);
std::string VersionText(const v1::KeyVersion& version);
std::string VersionsText(const v1::ListKeyVersionsResponse& versions);

// What a rotation did, or with `validate_only` would do: when the switch
// happens, seen from `now`, and what signs until then.
std::string RotationText(const v1::RotateKeyResponse& rotation, bool validate_only, absl::Time now);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_KEY_TEXT_H_
