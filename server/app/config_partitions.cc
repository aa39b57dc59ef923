#include "server/app/config_partitions.h"

#include <filesystem>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/hsm_client/partitions.h"
#include "server/hsm_client/process_partition.h"

namespace sealward::app {
namespace {

namespace fs = std::filesystem;

Config::Hsm ReadHsm(ConfigReader& reader, const char* section, absl::string_view default_binary) {
  Config::Hsm hsm;
  hsm.sockets = reader.Paths(section, "sockets");
  hsm.processes = reader.Number(section, "processes", 2, hsm_client::kMaxProcesses);
  hsm.binary = reader.Absolute(reader.Text(section, "binary", std::string(default_binary)));
  hsm.partition = reader.Absolute(reader.Text(section, "partition", ""));
  if (hsm.sockets.empty() && hsm.partition.empty()) {
    reader.Fail(section, "partition",
                absl::StrCat("or ", section,
                             ".sockets must be given: the first alone starts sealward-hsm "
                             "processes, the second connects to running ones"));
  }
  return hsm;
}

// One directory or socket in two partitions would be one token with two names:
// what happens to one tenant's keys would happen to another's.
void CheckDistinct(ConfigReader& reader, const Config& config) {
  std::map<fs::path, std::string> taken;
  const auto take = [&](const std::string& section, const char* key, const std::string& path) {
    std::error_code error;
    fs::path real = fs::weakly_canonical(path, error);
    const auto [other, is_new] = taken.try_emplace(error ? fs::path(path) : real, section);
    if (!is_new) {
      reader.Fail(section.c_str(), key,
                  absl::StrCat("names what is ", other->second, "'s already"));
    }
  };
  const auto take_all = [&](const std::string& section, const Config::Hsm& hsm) {
    if (!hsm.partition.empty()) take(section, "partition", hsm.partition);
    for (const std::string& socket : hsm.sockets) take(section, "sockets", socket);
  };
  take_all("hsm", config.hsm);
  for (const auto& [name, hsm] : config.partitions) {
    take_all(absl::StrCat(kPartitionsSection, ".", name), hsm);
  }
}

}  // namespace

void ReadPartitions(ConfigReader& reader, absl::string_view default_binary, Config& config) {
  config.hsm = ReadHsm(reader, "hsm", default_binary);
  for (const std::string& name : reader.TablesIn(kPartitionsSection)) {
    if (!IsValidResourceId(name) || name == hsm_client::kSharedPartition) {
      reader.Fail(kPartitionsSection, name.c_str(),
                  "is no name for a partition: 1 to 63 of a-z, 0-9 and hyphen, beginning with a "
                  "letter, and not \"default\", which is [hsm]");
      return;
    }
    const std::string section = absl::StrCat(kPartitionsSection, ".", name);
    config.partitions[name] = ReadHsm(reader, section.c_str(), default_binary);
  }
  if (config.partitions.size() > hsm_client::kMaxOwnPartitions) {
    reader.Fail("", kPartitionsSection,
                absl::StrCat("must be at most ", hsm_client::kMaxOwnPartitions, " tables"));
  }
  CheckDistinct(reader, config);
}

}  // namespace sealward::app
