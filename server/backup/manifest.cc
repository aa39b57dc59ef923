#include "server/backup/manifest.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "nlohmann/json.hpp"

namespace sealward::backup {
namespace {

absl::Status Invalid(const std::string& path, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "MANIFEST_INVALID",
                   absl::StrCat(path, " is no manifest of a backup: ", what));
}

bool StaysInside(const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute()) return false;
  for (const auto& part : path) {
    if (part == "..") return false;
  }
  return true;
}

}  // namespace

std::string ToJson(const Manifest& manifest) {
  nlohmann::ordered_json json;
  json["format"] = kManifestFormat;
  json["program"] = manifest.program;
  json["created"] = manifest.created;
  json["storeRevision"] = manifest.store_revision;
  json["storeLineage"] = manifest.store_lineage;
  json["partitions"] = nlohmann::ordered_json::object();
  for (const auto& [name, owner] : manifest.partitions) {
    json["partitions"][name] = {{"uid", owner.uid}, {"gid", owner.gid}};
  }
  json["files"] = nlohmann::ordered_json::object();
  for (const auto& [name, sum] : manifest.files) {
    json["files"][name] = {{"size", sum.size}, {"sha256", sum.sha256}};
  }
  return json.dump(2) + "\n";
}

absl::StatusOr<Manifest> ParseManifest(const std::string& path, absl::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text.begin(), text.end());
    if (json.at("format").get<int>() != kManifestFormat) {
      return Invalid(path, "it has a format that this program does not know");
    }
    Manifest manifest;
    json.at("program").get_to(manifest.program);
    json.at("created").get_to(manifest.created);
    json.at("storeRevision").get_to(manifest.store_revision);
    json.at("storeLineage").get_to(manifest.store_lineage);
    for (const auto& [name, owner] : json.at("partitions").items()) {
      if (!StaysInside(name)) return Invalid(path, "a partition's name leads out of it");
      manifest.partitions[name] = {owner.at("uid").get<uid_t>(), owner.at("gid").get<gid_t>()};
    }
    for (const auto& [name, sum] : json.at("files").items()) {
      if (!StaysInside(name)) return Invalid(path, "a file's name leads out of it");
      manifest.files[name] = {sum.at("size").get<int64_t>(), sum.at("sha256").get<std::string>()};
    }
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    return Invalid(path, error.what());
  }
}

}  // namespace sealward::backup
