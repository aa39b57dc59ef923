// sealward keys plan|pause|resume
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
  std::string key;
  std::string horizon;
  std::string duration;
  std::string reason;
  std::string etag;
  bool validate_only = false;
};

std::string PlanText(const v1::PlanKeyResponse& plan) {
  Table table({"TIME", "VERSION", "STATE", "WHAT HAPPENS"});
  for (const v1::PlannedEvent& event : plan.events()) {
    table.Add({FormatTime(event.has_time(), event.time()), VersionNumber(event.version()),
               v1::KeyVersion::State_Name(event.state()), event.description()});
  }
  std::string text = table.ToString();
  if (plan.events().empty()) absl::StrAppend(&text, "Nothing is planned in that time.\n");
  if (plan.truncated()) absl::StrAppend(&text, "There is more; ask with a shorter --horizon.\n");
  return text;
}

absl::Status Plan(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::PlanKeyRequest request;
  request.set_name(name->ToString());
  if (!flags.horizon.empty()) {
    auto horizon = ParseDuration("--horizon", flags.horizon);
    if (!horizon.ok()) return horizon.status();
    *request.mutable_horizon() = ToProto(*horizon);
  }
  auto plan = session.Call<Service>(&Service::Stub::PlanKey, request);
  if (plan.ok()) session.Print(*plan, PlanText(*plan));
  return plan.status();
}

absl::Status Pause(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto duration = ParseDuration("--for", flags.duration);
  if (!duration.ok()) return duration.status();
  v1::PauseKeyRequest request;
  request.set_name(name->ToString());
  request.set_reason(flags.reason);
  request.set_etag(flags.etag);
  request.set_validate_only(flags.validate_only);
  *request.mutable_duration() = ToProto(*duration);
  auto key = session.Call<Service>(&Service::Stub::PauseKey, request);
  if (key.ok()) session.Print(*key, KeyText(*key));
  return key.status();
}

absl::Status Resume(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::ResumeKeyRequest request;
  request.set_name(name->ToString());
  request.set_etag(flags.etag);
  auto key = session.Call<Service>(&Service::Stub::ResumeKey, request);
  if (key.ok()) session.Print(*key, KeyText(*key));
  return key.status();
}

void AddKeyName(CLI::App* command, const std::shared_ptr<Flags>& flags) {
  command->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
}

}  // namespace

void AddKeyPlanCommands(CLI::App& keys, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  const char* etag = "Only if the key still has this etag (see keys get)";
  CLI::App* plan = AddCommand(keys, chosen, "plan", "Say what will happen to a key, and when",
                              "Needs the role viewer on the tenant. Nothing is changed.\n\n"
                              "Example:\n  sealward keys plan demo/main --horizon 90d",
                              [flags](Session& session) { return Plan(session, *flags); });
  AddKeyName(plan, flags);
  plan->add_option("--horizon", flags->horizon, "How far to look (default two rotation periods)");
  CLI::App* pause = AddCommand(
      keys, chosen, "pause", "Put off a key's switches and destructions for a while",
      "Needs the role operator on the tenant. A pause lasts 14 days at most, and all pauses\n"
      "between two switches 30 days; it never keeps a version signing past its hard end, and\n"
      "a revocation overrides it.\n\n"
      "Example:\n  sealward keys pause demo/main --for 3d --reason \"release freeze\"",
      [flags](Session& session) { return Pause(session, *flags); });
  AddKeyName(pause, flags);
  pause->add_option("--for", flags->duration, "How long, for example 3d")->required();
  pause->add_option("--reason", flags->reason, "Why, for people")->required();
  pause->add_option("--etag", flags->etag, etag);
  pause->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
  CLI::App* resume =
      AddCommand(keys, chosen, "resume", "End a pause",
                 "Needs the role operator on the tenant. What is due happens then.\n\n"
                 "Example:\n  sealward keys resume demo/main",
                 [flags](Session& session) { return Resume(session, *flags); });
  AddKeyName(resume, flags);
  resume->add_option("--etag", flags->etag, etag);
}

}  // namespace sealward::client::cli
