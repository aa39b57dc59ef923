// JSON lines on stderr. Never a PIN, key bytes or claims.
#ifndef SEALWARD_HSM_LOG_H_
#define SEALWARD_HSM_LOG_H_

#include "absl/strings/string_view.h"

namespace sealward::hsm {

void LogInfo(absl::string_view message);
void LogWarning(absl::string_view message);
void LogError(absl::string_view message);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_LOG_H_
