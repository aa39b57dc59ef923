// The file that tells whoever started the server that it serves, and where.
#ifndef SEALWARD_SERVER_APP_READY_FILE_H_
#define SEALWARD_SERVER_APP_READY_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealward::app {

// PartitionInfo is how a partition was when the server had started.
struct PartitionInfo {
  std::string name;
  bool ready = false;
  std::string alarm;  // why not
  std::vector<int> pids;
};

// ReadyInfo is the content: one JSON object, members named as here.
struct ReadyInfo {
  int pid = 0;
  std::string signing;  // HOST:PORT
  std::string admin;    // HOST:PORT
  std::string https;    // https://HOST:PORT
  std::string metrics;  // https://HOST:PORT, or empty
  // Of the shared partition.
  bool hsm_ready = false;
  std::string hsm_alarm;  // why not
  std::vector<int> hsm_pids;
  std::vector<PartitionInfo> partitions;  // all, the shared one first
};

// Writes the file under another name and renames it: a reader sees all of it or
// nothing. INVALID_ARGUMENT if it cannot be written.
absl::Status WriteReadyFile(absl::string_view path, const ReadyInfo& info);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_READY_FILE_H_
