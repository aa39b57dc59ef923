#include "server/app/ready_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace sealward::app {

absl::Status WriteReadyFile(absl::string_view path, const ReadyInfo& info) {
  auto partitions = nlohmann::ordered_json::array();
  for (const PartitionInfo& each : info.partitions) {
    partitions.push_back(
        {{"name", each.name}, {"ready", each.ready}, {"alarm", each.alarm}, {"pids", each.pids}});
  }
  const nlohmann::ordered_json content = {
      {"pid", info.pid},
      {"signing", info.signing},
      {"admin", info.admin},
      {"https", info.https},
      {"metrics", info.metrics},
      {"hsm_ready", info.hsm_ready},
      {"hsm_alarm", info.hsm_alarm},
      {"hsm_pids", info.hsm_pids},
      {"partitions", partitions},
  };
  const std::string final_path(path);
  const std::string temporary = absl::StrCat(path, ".", info.pid);
  std::ofstream file(temporary, std::ios::trunc);
  file << content.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  file.close();
  if (!file || std::rename(temporary.c_str(), final_path.c_str()) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write the ready file ", final_path, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace sealward::app
