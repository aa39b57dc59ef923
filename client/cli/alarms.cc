// sealward alarms, sealward clock
#include "client/cli/alarms.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "sealward/v1/operations_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::OperationsService;

constexpr char kClockFrozen[] = "CLOCK_FROZEN";

struct Flags {
  std::string tenant;
  std::string now;
};

bool IsCritical(const v1::Alarm& alarm) { return alarm.severity() == v1::Alarm::SEVERITY_CRITICAL; }

std::string Text(const v1::ListAlarmsResponse& all) {
  if (all.alarms().empty()) return "no alarms\n";
  Table table({"SEVERITY", "KIND", "RESOURCE", "SINCE", "WHAT"});
  for (const v1::Alarm& alarm : all.alarms()) {
    table.Add({IsCritical(alarm) ? "critical" : "warning", alarm.kind(),
               alarm.resource().empty() ? "the service" : alarm.resource(),
               FormatTime(alarm.has_since(), alarm.since()), alarm.description()});
  }
  return table.ToString();
}

absl::Status Alarms(Session& session, const Flags& flags) {
  std::string parent;
  if (!flags.tenant.empty()) {
    const auto tenant = ExpandTenant(flags.tenant);
    if (!tenant.ok()) return tenant.status();
    parent = tenant->ToString();
  }
  session.SetSubject(parent);
  const auto all = ListAlarms(session, parent);
  if (!all.ok()) return all.status();
  session.Print(*all, Text(*all));
  if (std::ranges::any_of(all->alarms(), IsCritical)) session.SetExitCode(kExitCriticalAlarm);
  return absl::OkStatus();
}

absl::Status ShowClock(Session& session) {
  auto all = ListAlarms(session, "");
  if (!all.ok()) return all.status();
  const auto* frozen = static_cast<const v1::Alarm*>(nullptr);
  for (const v1::Alarm& alarm : all->alarms()) {
    if (alarm.kind() == kClockFrozen) frozen = &alarm;
  }
  v1::ListAlarmsResponse shown;
  if (frozen != nullptr) *shown.add_alarms() = *frozen;
  session.Print(shown, frozen == nullptr
                           ? std::string("the lifecycle clock runs\n")
                           : absl::StrCat("the lifecycle clock stands still at ",
                                          FormatTime(frozen->has_since(), frozen->since()), "\n",
                                          frozen->description(), "\n"));
  return absl::OkStatus();
}

absl::Status ConfirmClock(Session& session, const Flags& flags) {
  session.SetSubject("clock");
  absl::Time now;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, flags.now, &now, &error)) {
    return UsageError(absl::StrCat("--now: \"", flags.now,
                                   "\" is not a time; write it as in 2026-11-22T06:00:00Z"));
  }
  v1::ConfirmClockRequest request;
  request.mutable_now()->set_seconds(absl::ToUnixSeconds(now));
  const auto confirmed = session.Call<Service>(&Service::Stub::ConfirmClock, request);
  if (!confirmed.ok()) return confirmed.status();
  session.Print(
      *confirmed,
      absl::StrCat("lifecycle time goes on from ",
                   FormatTime(confirmed->has_lifecycle_time(), confirmed->lifecycle_time()), "\n"));
  return absl::OkStatus();
}

void AddClockCommands(CLI::App& app, Chosen& chosen, const std::shared_ptr<Flags>& flags) {
  CLI::App* group = AddGroup(app, "clock", "Clock: the time by which keys change their state");
  AddCommand(*group, chosen, "show", "Show whether the lifecycle clock runs or stands still",
             "Needs the role admin, operator, viewer or auditor on the service.\n\n"
             "Example:\n  sealward clock show",
             [](Session& session) { return ShowClock(session); });
  CLI::App* confirm = AddCommand(
      *group, chosen, "confirm", "Let keys change their state again after the clock was set",
      "Needs the role admin on the service, and two persons where the approval policy says so.\n"
      "Put the server's clock right first, then say what time it is, from another clock than\n"
      "the server's: more than 5 minutes of difference are refused.\n\n"
      "Example:\n  sealward clock confirm --now 2026-11-22T06:00:00Z",
      [flags](Session& session) { return ConfirmClock(session, *flags); });
  confirm->add_option("--now", flags->now, "The time that it is (RFC 3339)")->required();
}

}  // namespace

absl::StatusOr<v1::ListAlarmsResponse> ListAlarms(Session& session, const std::string& parent) {
  v1::ListAlarmsRequest request;
  request.set_parent(parent);
  return ListAll<Service>(session, &Service::Stub::ListAlarms, request,
                          [](v1::ListAlarmsResponse& page, v1::ListAlarmsResponse& all) {
                            for (v1::Alarm& alarm : *page.mutable_alarms())
                              all.add_alarms()->Swap(&alarm);
                          });
}

void AddAlarmCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* alarms = AddCommand(
      app, chosen, "alarms", "Show what is wrong, and what to do about it",
      "Shows what your roles let you read: of keys, of a tenant, of the service and its\n"
      "partitions. Ends with exit code 6 if there are critical alarms.\n\n"
      "Example:\n  sealward alarms\n  sealward alarms demo",
      [flags](Session& session) { return Alarms(session, *flags); });
  alarms->add_option("TENANT", flags->tenant, "Only this tenant's: demo, or the full name");
  AddClockCommands(app, chosen, flags);
}

}  // namespace sealward::client::cli
