// Answers and errors as text.
#ifndef SEALWARD_CLIENT_CLI_OUTPUT_H_
#define SEALWARD_CLIENT_CLI_OUTPUT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace sealward::client::cli {

// The message as protobuf JSON (lowerCamelCase names, enums by name, 64-bit
// numbers as strings, RFC 3339 times), one object on one line. Fields with
// default values are there too, so that scripts find them; unset messages
// (times that are not planned) are not.
std::string ToJson(const google::protobuf::Message& message);

// An error for people: what was tried, what the server or the library said, the
// reason, and when to try again.
std::string ErrorText(absl::string_view what, const absl::Status& status);

// The same for scripts: {"error":{"code":…,"reason":…,"message":…,"retryDelay":…}}.
std::string ErrorJson(const absl::Status& status);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_OUTPUT_H_
