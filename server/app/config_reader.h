// Reading of a TOML file in which every key must be known.
#ifndef SEALWARD_SERVER_APP_CONFIG_READER_H_
#define SEALWARD_SERVER_APP_CONFIG_READER_H_

#include <toml++/toml.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/app/config.h"

namespace sealward::app {

// The table whose tables are the partitions of tenants.
inline constexpr char kPartitionsSection[] = "partitions";

// ConfigReader takes values out of one file and remembers the first thing that
// is wrong; a value that is wrong or missing reads as its fallback. Sections are
// named as in the file, "" for its top and "a.b" for [a.b]. Not thread-safe.
class ConfigReader {
 public:
  ConfigReader(std::string path, toml::table table)
      : path_(std::move(path)),
        directory_(std::filesystem::absolute(path_).parent_path()),
        table_(std::move(table)) {}

  std::string Text(const char* section, const char* key, std::string fallback);
  std::string RequiredText(const char* section, const char* key);
  bool Has(const char* section, const char* key);
  bool Switch(const char* section, const char* key, bool fallback);
  // From 1 to `most`.
  int Number(const char* section, const char* key, int fallback, int most);
  // HOST:PORT; without its port gRPC would take 443.
  std::string Address(const char* section, const char* key);
  // Made absolute.
  std::vector<std::string> Paths(const char* section, const char* key);
  std::string RequiredPath(const char* section, const char* key);
  // The tables [[section.key]] with the keys `name` and `bundle`.
  std::vector<Config::TrustDomain> TrustDomains(const char* section, const char* key);
  // The names of the tables below `section`.
  std::vector<std::string> TablesIn(const char* section);

  // `path`, which starts at the file's folder unless it is absolute.
  std::string Absolute(const std::string& path) const;

  // Remembers that section.key is wrong: `what` goes on after its name.
  void Fail(const char* section, const char* key, absl::string_view what);

  // The first thing that was wrong; a key that nobody took is wrong.
  absl::Status Finish();

 private:
  toml::table* Section(const char* section);
  void FailUnknown(const std::string& section, const toml::table& in);

  template <typename T>
  T Take(const char* section, const char* key, const char* type, T fallback);

  const std::string path_;
  const std::filesystem::path directory_;
  toml::table table_;
  absl::Status status_;
};

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_CONFIG_READER_H_
