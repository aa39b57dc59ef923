// sealward quarantine list|adopt|purge
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/key_text.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "sealward/v1/lifecycle_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::LifecycleService;

struct Flags {
  std::string partition;
  std::string object;
};

std::string ListText(const v1::ListQuarantinedObjectsResponse& all) {
  Table table({"OBJECT", "KEY", "KID", "ADOPTABLE", "DESTROYED FROM"});
  for (const v1::QuarantinedObject& object : all.quarantined_objects()) {
    table.Add({object.name(), object.key(), object.kid(), object.adoptable() ? "yes" : "no",
               FormatTime(object.has_destroy_due_time(), object.destroy_due_time())});
  }
  std::string text = table.ToString();
  if (all.unattributable() > 0) {
    absl::StrAppend(&text, all.unattributable(),
                    " more have lost their id or their other half: look with the HSM's own "
                    "tools.\n");
  }
  return text;
}

absl::Status List(Session& session, const Flags& flags) {
  auto partition = ExpandPartition(flags.partition);
  if (!partition.ok()) return partition.status();
  session.SetSubject(partition->ToString());
  v1::ListQuarantinedObjectsRequest request;
  request.set_parent(partition->ToString());
  auto all = ListAll<Service>(
      session, &Service::Stub::ListQuarantinedObjects, std::move(request),
      [](v1::ListQuarantinedObjectsResponse& page, v1::ListQuarantinedObjectsResponse& sum) {
        sum.mutable_quarantined_objects()->MergeFrom(page.quarantined_objects());
        sum.set_unattributable(page.unattributable());
      });
  if (!all.ok()) return all.status();
  session.Print(*all, ListText(*all));
  return absl::OkStatus();
}

absl::Status Adopt(Session& session, const Flags& flags) {
  auto name = ExpandQuarantinedObject(flags.object);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::AdoptQuarantinedObjectRequest request;
  request.set_name(name->ToString());
  auto version = session.Call<Service>(&Service::Stub::AdoptQuarantinedObject, request);
  if (version.ok()) session.Print(*version, VersionText(*version));
  return version.status();
}

absl::Status Purge(Session& session, const Flags& flags) {
  auto name = ExpandQuarantinedObject(flags.object);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::PurgeQuarantinedObjectRequest request;
  request.set_name(name->ToString());
  auto object = session.Call<Service>(&Service::Stub::PurgeQuarantinedObject, request);
  if (object.ok()) {
    session.Print(*object, absl::StrCat(object->name(), " will be destroyed from ",
                                        FormatTime(object->has_destroy_due_time(),
                                                   object->destroy_due_time()),
                                        " on\n"));
  }
  return object.status();
}

}  // namespace

void AddQuarantineCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group = AddGroup(app, "quarantine", "Objects of an HSM partition that no version owns");
  CLI::App* list = AddCommand(*group, chosen, "list", "List a partition's quarantined objects",
                              "Needs the role admin or auditor on the service.\n\n"
                              "Example:\n  sealward quarantine list default",
                              [flags](Session& session) { return List(session, *flags); });
  list->add_option("PARTITION", flags->partition, "default, or partitions/default")->required();
  const std::string object = "default/{object id, 32 hexadecimal digits}, or the full name";
  CLI::App* adopt = AddCommand(
      *group, chosen, "adopt", "Make an object a new version, STAGED, of the key in its label",
      "Needs the role admin on the service, and a second person where the approval policy asks\n"
      "for one.\n\nExample:\n  sealward quarantine adopt default/00112233445566778899aabbccddeeff",
      [flags](Session& session) { return Adopt(session, *flags); });
  adopt->add_option("OBJECT", flags->object, object)->required();
  CLI::App* purge = AddCommand(
      *group, chosen, "purge", "Schedule the destruction of an object",
      "Needs the role admin on the service, and a second person where the approval policy asks\n"
      "for one.\n\nExample:\n  sealward quarantine purge default/00112233445566778899aabbccddeeff",
      [flags](Session& session) { return Purge(session, *flags); });
  purge->add_option("OBJECT", flags->object, object)->required();
}

}  // namespace sealward::client::cli
