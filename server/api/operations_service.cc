#include "server/api/operations_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/alarm_view.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/catalog/layout.h"
#include "server/catalog/operations_records.h"

namespace sealward::api {
namespace {

constexpr absl::string_view kClockName = "clock";

// Where an alarm stands in the list: positions are in the order of alarms::Before.
std::string Position(const alarms::Alarm& alarm) {
  return absl::StrCat(absl::Dec(static_cast<int>(alarm.kind), absl::kZeroPad4), "/",
                      alarm.resource);
}

v1::Alarm ToMessage(const alarms::Alarm& alarm) {
  const alarms::KindInfo& info = alarms::InfoOf(alarm.kind);
  v1::Alarm message;
  message.set_kind(std::string(info.name));
  message.set_severity(info.severity == alarms::Severity::kCritical ? v1::Alarm::SEVERITY_CRITICAL
                                                                    : v1::Alarm::SEVERITY_WARNING);
  message.set_resource(alarm.resource);
  message.set_description(alarms::Description(alarm));
  if (alarm.since != absl::InfinitePast() && alarm.since != absl::InfiniteFuture()) {
    *message.mutable_since() = ToTimestamp(alarm.since);
  }
  return message;
}

// Whether `resource` is the tenant's, if there is one.
bool IsOf(absl::string_view resource, absl::string_view parent) {
  return parent.empty() || absl::StartsWith(resource, absl::StrCat(parent, "/"));
}

absl::StatusOr<absl::Time> StatedTime(const v1::ConfirmClockRequest& request) {
  const google::protobuf::Timestamp& now = request.now();
  if (request.has_now() && now.seconds() > 0 && now.seconds() < (int64_t{1} << 40) &&
      now.nanos() >= 0 && now.nanos() < 1'000'000'000) {
    return absl::FromUnixSeconds(now.seconds()) + absl::Nanoseconds(now.nanos());
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "TIME_INVALID",
                   "now must be the time that it is, for example 2026-11-22T06:00:00Z");
}

absl::Status CheckStatedTime(absl::Time stated, absl::Time realtime) {
  if (absl::AbsDuration(stated - realtime) <= kConfirmTolerance) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CLOCK_DIFFERS",
      absl::StrCat("the system's clock says ",
                   absl::FormatTime(absl::RFC3339_sec, realtime, absl::UTCTimeZone()),
                   ", more than 5 minutes from the time that you state; put it right first"));
}

}  // namespace

grpc::ServerUnaryReactor* OperationsService::ListAlarms(grpc::CallbackServerContext* context,
                                                        const v1::ListAlarmsRequest* request,
                                                        v1::ListAlarmsResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

grpc::ServerUnaryReactor* OperationsService::ConfirmClock(grpc::CallbackServerContext* context,
                                                          const v1::ConfirmClockRequest* request,
                                                          v1::ConfirmClockResponse* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Confirm(caller, *request); });
  });
}

absl::StatusOr<v1::ListAlarmsResponse> OperationsService::List(
    const Caller& caller, const v1::ListAlarmsRequest& request) const {
  const std::string& parent = request.parent();
  if (!parent.empty()) {
    if (const auto name = TenantName::Parse(parent); !name.ok()) return name.status();
  }
  const auto snapshot = edge_.catalog->Get();
  const auth::Decision decision = MayListAlarms(*snapshot, caller.principal(), parent);
  if (!decision.allowed) {
    return caller.Refuse(parent.empty() ? auth::Verb::kReadStatus : auth::Verb::kReadKey,
                         absl::StrCat(parent, parent.empty() ? "" : "/", "alarms"),
                         decision.reason);
  }
  const std::string collection = absl::StrCat(parent, "/alarms");
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto alarms = sources_.alarms->Current([&](absl::string_view resource) {
    return IsOf(resource, parent) && MaySeeAlarm(*snapshot, caller.principal(), resource);
  });
  v1::ListAlarmsResponse response;
  std::string last;
  for (const alarms::Alarm& alarm : alarms) {
    std::string position = Position(alarm);
    if (position <= page->after) continue;
    if (static_cast<size_t>(response.alarms_size()) == page->size) {
      response.set_next_page_token(PageToken(collection, last));
      break;
    }
    *response.add_alarms() = ToMessage(alarm);
    last = std::move(position);
  }
  return response;
}

absl::StatusOr<v1::ConfirmClockResponse> OperationsService::Confirm(
    const Caller& caller, const v1::ConfirmClockRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kConfirmClock, kClockName);
      !s.ok()) {
    return s;
  }
  const auto stated = StatedTime(request);
  if (!stated.ok()) return stated.status();
  const lifecycle::ClockState state = sources_.clock->state();
  if (!lifecycle::IsFrozen(state) || state.waiting) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CLOCK_NOT_FROZEN",
                     "nothing waits for the clock to be confirmed; see `sealward alarms`");
  }
  if (absl::Status s = CheckStatedTime(*stated, sources_.clock->Realtime()); !s.ok()) return s;
  // The second person approves that this freeze is ended; the time is stated anew, and
  // compared anew, when the request is sent again.
  const auto permit = Guard(edge_, caller, *snapshot,
                            {"sealward.v1.OperationsService/ConfirmClock", kClockName,
                             Etag(kClockName, absl::ToUnixMicros(state.frozen)), auth::Target{},
                             auth::Verb::kConfirmClock, v1::ConfirmClockRequest()});
  if (!permit.ok()) return permit.status();
  const lifecycle::ClockState confirmed = sources_.clock->PrepareConfirmation();
  store::Transaction transaction;
  transaction.operations.push_back(
      {catalog::ClockRecordKey(), catalog::SerializeClock(lifecycle::ToMemory(confirmed))});
  permit->AddTo(transaction);
  const auto revision = edge_.Commit(transaction);
  if (!revision.ok()) return revision.status();
  sources_.clock->CompleteConfirmation(confirmed);
  v1::ConfirmClockResponse response;
  *response.mutable_lifecycle_time() = ToTimestamp(lifecycle::LifecycleTime(confirmed));
  return response;
}

grpc::ServerUnaryReactor* OperationsService::RecoverPartition(
    grpc::CallbackServerContext* context, const v1::RecoverPartitionRequest* request,
    v1::RecoverPartitionResponse* response) {
  return AnswerInLane(
      edge_, context, request, response,
      [this, request](const Caller& caller) {
        return DecideAgain([&] { return Recover(caller, *request); });
      },
      [request](const Caller&) { return request->name(); });
}

absl::StatusOr<v1::RecoverPartitionResponse> OperationsService::Recover(
    const Caller& caller, const v1::RecoverPartitionRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kRecoverPartition,
                                        request.name());
      !s.ok()) {
    return s;
  }
  const auto name = PartitionResourceName::Parse(request.name());
  if (!name.ok()) return name.status();
  // What is wrong with the request, before a second person is asked for.
  auto ended =
      sources_.epochs->Recover(name->partition, /*validate_only=*/true, [](store::Transaction&) {});
  if (!ended.ok()) return ended.status();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto memory = snapshot->partitions.find(request.name());
    const int64_t seen = memory == snapshot->partitions.end() ? 0 : memory->second->mod_revision;
    v1::RecoverPartitionRequest resolved;
    resolved.set_name(request.name());
    const auto permit = Guard(
        edge_, caller, *snapshot,
        {"sealward.v1.OperationsService/RecoverPartition", request.name(),
         Etag(request.name(), seen), auth::Target{}, auth::Verb::kRecoverPartition, resolved});
    if (!permit.ok()) return permit.status();
    ended = sources_.epochs->Recover(
        name->partition, /*validate_only=*/false,
        [&permit](store::Transaction& transaction) { permit->AddTo(transaction); });
    if (!ended.ok()) return ended.status();
  }
  v1::RecoverPartitionResponse response;
  for (std::string& version : *ended) response.add_ended_versions(std::move(version));
  return response;
}

}  // namespace sealward::api
