// What this process could read of a signer that it should only be able to ask.
#ifndef SEALWARD_SERVER_HSM_CLIENT_ISOLATION_H_
#define SEALWARD_SERVER_HSM_CLIENT_ISOLATION_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sealward::hsm_client {

// Of a partition directory (hsm/config.h lists its files): those that this process may
// read, as access(2) has it for the effective user; nothing is opened. Empty where the
// directory may not be entered, or is not there.
std::vector<std::string> ReadableFiles(absl::string_view directory);

// Of /proc/PID: the files that give its memory and environment away and that this
// process may open. Each is opened and closed. Empty where there is no such process.
std::vector<std::string> ReadableProcessFiles(pid_t pid);

}  // namespace sealward::hsm_client

#endif  // SEALWARD_SERVER_HSM_CLIENT_ISOLATION_H_
