// sealward backup create|verify|restore
#include "server/backup/backup.h"

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/table.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace sealward::client::cli {
namespace {

struct Flags {
  std::string store;
  std::vector<std::string> partitions;
  std::string backup;
  bool replace = false;
};

absl::StatusOr<backup::Places> PlacesOf(const Flags& flags) {
  backup::Places places{flags.store, {}};
  for (const std::string& text : flags.partitions) {
    const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty() ||
        parts[0].find('/') != std::string::npos || parts[0][0] == '.') {
      return UsageError(absl::StrCat("--partition: \"", text, "\" is not NAME=DIRECTORY"));
    }
    if (!places.partitions.emplace(parts[0], parts[1]).second) {
      return UsageError(absl::StrCat("--partition: ", parts[0], " is named twice"));
    }
  }
  return places;
}

absl::Status Print(const Session& session, const std::string& what,
                   const absl::StatusOr<backup::Contents>& contents) {
  if (!contents.ok()) return contents.status();
  const backup::Manifest& manifest = contents->manifest;
  Fields fields;
  fields.Add("Backup", what);
  fields.Add("Created", manifest.created);
  fields.Add("Store revision", absl::StrCat(manifest.store_revision));
  fields.Add("Lineage", manifest.store_lineage);
  fields.Add("Files", absl::StrCat(manifest.files.size()));
  for (const auto& [name, owner] : manifest.partitions) fields.Add("Partition", name);
  for (const std::string& key : contents->keys) fields.Add("Key", key);
  google::protobuf::Struct json;
  if (!google::protobuf::util::JsonStringToMessage(backup::ToJson(manifest), &json).ok()) {
    return absl::InternalError("the manifest has no JSON form");
  }
  auto& keys = *(*json.mutable_fields())["keys"].mutable_list_value();
  for (const std::string& key : contents->keys) keys.add_values()->set_string_value(key);
  session.Print(json, fields.ToString());
  return absl::OkStatus();
}

absl::Status Create(Session& session, const Flags& flags) {
  session.SetSubject(flags.backup);
  const auto places = PlacesOf(flags);
  if (!places.ok()) return places.status();
  return Print(session, flags.backup, backup::Create(*places, flags.backup, absl::Now()));
}

absl::Status Verify(Session& session, const Flags& flags) {
  session.SetSubject(flags.backup);
  return Print(session, flags.backup, backup::Verify(flags.backup));
}

absl::Status Restore(Session& session, const Flags& flags) {
  session.SetSubject(flags.backup);
  const auto places = PlacesOf(flags);
  if (!places.ok()) return places.status();
  return Print(session, flags.backup,
               backup::Restore(flags.backup, *places, flags.replace, absl::Now()));
}

constexpr char kWhere[] =
    "Works on files of this machine, not through the server: run it where the server's store\n"
    "and partition directories are, as root or as who owns them.\n";

}  // namespace

void AddBackupCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* group = AddGroup(app, "backup", "Back up a store and its partitions, and restore them");
  auto flags = std::make_shared<Flags>();
  CLI::App* create = AddCommand(
      *group, chosen, "create", "Copy the store and partitions while the server runs",
      absl::StrCat(
          "Writes a new directory with a manifest, and verifies it. It never holds the PIN:\n"
          "keep that elsewhere, or the backup is worth nothing or too much.\n",
          kWhere,
          "\nExample:\n  sealward backup create /backup/today --store store/sealward.db \\\n"
          "    --partition default=partition"),
      [flags](Session& session) { return Create(session, *flags); });
  CLI::App* verify =
      AddCommand(*group, chosen, "verify", "Check every file, page and record of a backup",
                 absl::StrCat("Changes nothing, and says which keys it holds.\n", kWhere,
                              "\nExample:\n  sealward backup verify /backup/today"),
                 [flags](Session& session) { return Verify(session, *flags); });
  CLI::App* restore = AddCommand(
      *group, chosen, "restore", "Put a store, and partitions, back while the server is stopped",
      absl::StrCat(
          "Puts back what is named, into places that are empty, or with --replace. A store that\n"
          "is older than its partition does not sign until two admins have run `sealward\n"
          "partitions recover`. Store and partition put back together agree with each other:\n"
          "nothing tells that keys revoked since are trusted again, so revoke them again.\n",
          kWhere,
          "\nExample:\n  sealward backup restore /backup/today --store store/sealward.db "
          "--replace"),
      [flags](Session& session) { return Restore(session, *flags); });
  for (CLI::App* command : {create, verify, restore}) {
    command->add_option("BACKUP", flags->backup, "The backup's directory")->required();
  }
  for (CLI::App* command : {create, restore}) {
    command->add_option("--store", flags->store, "store.path of the server's configuration")
        ->required();
    command->add_option("--partition", flags->partitions,
                        "NAME=DIRECTORY, once for each partition; \"default\" is that of [hsm]");
  }
  restore->add_flag("--replace", flags->replace,
                    "Rename what is there already, and take its place");
}

}  // namespace sealward::client::cli
