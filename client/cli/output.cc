#include "client/cli/output.h"

#include "absl/strings/str_cat.h"
#include "client/cli/duration.h"
#include "common/errors.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"

namespace sealward::client::cli {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for an Any of an unknown type, which the API does not have.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) json = "{}";
  json += '\n';
  return json;
}

std::string ErrorText(absl::string_view what, const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  std::string text = "sealward: ";
  if (!what.empty()) absl::StrAppend(&text, what, ": ");
  absl::StrAppend(&text, status.message(), " [", absl::StatusCodeToString(status.code()));
  if (!reason.empty() && reason != absl::StatusCodeToString(status.code())) {
    absl::StrAppend(&text, ", ", reason);
  }
  absl::StrAppend(&text, "]\n");
  if (const absl::Duration delay = RetryDelay(status); delay > absl::ZeroDuration()) {
    absl::StrAppend(&text, "The server asks to wait ", DurationText(delay),
                    " before trying again.\n");
  }
  return text;
}

std::string ErrorJson(const absl::Status& status) {
  nlohmann::ordered_json error = {
      {"code", absl::StatusCodeToString(status.code())},
      {"reason", ErrorReason(status)},
      {"message", std::string(status.message())},
  };
  if (const absl::Duration delay = RetryDelay(status); delay > absl::ZeroDuration()) {
    error["retryDelay"] = absl::StrCat(absl::ToDoubleSeconds(delay), "s");
  }
  const nlohmann::ordered_json object = {{"error", error}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace sealward::client::cli
