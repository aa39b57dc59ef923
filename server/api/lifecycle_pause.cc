// LifecycleService: what will happen to a key, and putting it off.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/conversion.h"
#include "server/api/issuer_rules.h"
#include "server/api/key_change.h"
#include "server/api/lifecycle_service.h"
#include "server/api/pause_rules.h"
#include "server/lifecycle/forecast.h"

namespace sealward::api {
namespace {

using lifecycle::State;

// Of a key that is rotated by hand only: long enough to see what is planned.
constexpr absl::Duration kDefaultHorizon = absl::Hours(60 * 24);
constexpr int kDefaultPeriods = 2;

absl::StatusOr<absl::Duration> HorizonOf(const v1::PlanKeyRequest& request,
                                         const catalog::Key& key) {
  if (request.has_horizon()) {
    const auto horizon =
        ParseSeconds(request.horizon(), absl::Seconds(1), lifecycle::kLongestHorizon);
    if (horizon) return *horizon;
    return MakeError(absl::StatusCode::kInvalidArgument, "HORIZON_INVALID",
                     "horizon must be whole seconds, from 1 s to 10 years");
  }
  const absl::Duration period = key.rotation_policy.rotation_period;
  if (period == absl::InfiniteDuration()) return kDefaultHorizon;
  return kDefaultPeriods * period;
}

// The number of a version by its index, also of one that does not exist yet.
int64_t NumberOf(const catalog::Key& key, size_t index) {
  if (index < key.versions.size()) return key.versions[index]->number;
  return key.last_version + 1 + static_cast<int64_t>(index - key.versions.size());
}

std::string Describe(const catalog::Key& key, const lifecycle::ForecastEvent& event) {
  switch (event.state) {
    case State::kPending:
      return "is asked for";
    case State::kStaged:
      return "is generated and published; caches are filling";
    case State::kStandby:
      return "is in every cache";
    case State::kActive:
      if (!event.takes_over_from) return "signs";
      return absl::StrCat("takes over from version ", NumberOf(key, *event.takes_over_from));
    case State::kVerifyOnly:
      return "signs no more; stays published for JWTs that still live";
    case State::kWithdrawn:
      return "is no longer published";
    case State::kSuspended:
      return "is suspended";
    case State::kRevoked:
      return "is revoked";
    case State::kDestroyScheduled:
      return "is to be destroyed; until then that can be cancelled";
    case State::kDestroyed:
      return "is destroyed in the HSM";
  }
  return "";
}

}  // namespace

absl::StatusOr<v1::PlanKeyResponse> LifecycleService::Plan(
    const Caller& caller, const v1::PlanKeyRequest& request) const {
  const auto name = KeyName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent(), request.name()},
                                        auth::Verb::kReadKey, request.name());
      !s.ok()) {
    return s;
  }
  const auto found = snapshot->keys.find(request.name());
  if (found == snapshot->keys.end()) return ResourceNotFound(request.name());
  const catalog::Key& key = *found->second;
  const auto horizon = HorizonOf(request, key);
  if (!horizon.ok()) return horizon.status();
  const absl::Time now = edge_.Now();
  const lifecycle::Forecast forecast =
      lifecycle::ForecastKey(CourseIn(*snapshot, key, now), now, now + *horizon);
  v1::PlanKeyResponse response;
  for (const lifecycle::ForecastEvent& each : forecast.events) {
    v1::PlannedEvent& event = *response.add_events();
    *event.mutable_time() = ToTimestamp(each.time);
    event.set_version(absl::StrCat(key.name, "/versions/", NumberOf(key, each.version)));
    event.set_state(ToMessage(each.state));
    event.set_description(Describe(key, each));
  }
  response.set_truncated(forecast.truncated);
  return response;
}

absl::StatusOr<v1::Key> LifecycleService::Pause(const Caller& caller,
                                                const v1::PauseKeyRequest& request) const {
  const auto name = KeyName::Parse(request.name());
  if (!name.ok()) return name.status();
  if (absl::Status s =
          caller.Authorize(*edge_.catalog->Get(), auth::Target{name->Parent(), request.name()},
                           auth::Verb::kPauseKey, request.name());
      !s.ok()) {
    return s;
  }
  const auto key =
      ChangeKey(edge_, *manager_, caller, {request.name(), request.etag(), request.validate_only()},
                [&](const catalog::Key& seen, const lifecycle::KeyCourse& course, absl::Time now) {
                  return WithPause(seen, course, request, caller.principal(), now);
                });
  if (!key.ok()) return key.status();
  return ToMessage(**key, edge_.Now());
}

absl::StatusOr<v1::Key> LifecycleService::Resume(const Caller& caller,
                                                 const v1::ResumeKeyRequest& request) const {
  const auto name = KeyName::Parse(request.name());
  if (!name.ok()) return name.status();
  if (absl::Status s =
          caller.Authorize(*edge_.catalog->Get(), auth::Target{name->Parent(), request.name()},
                           auth::Verb::kPauseKey, request.name());
      !s.ok()) {
    return s;
  }
  const auto key = ChangeKey(
      edge_, *manager_, caller, {request.name(), request.etag()},
      [](const catalog::Key& seen, const lifecycle::KeyCourse&,
         absl::Time now) -> absl::StatusOr<catalog::Key> { return WithoutPause(seen, now); });
  if (!key.ok()) return key.status();
  return ToMessage(**key, edge_.Now());
}

}  // namespace sealward::api
