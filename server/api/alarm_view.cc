#include "server/api/alarm_view.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sealward::api {
namespace {

using auth::Level;
using auth::Verb;

// The first `count` segments of a resource name.
absl::string_view FirstSegments(absl::string_view name, int count) {
  size_t end = 0;
  for (int i = 0; i < count; ++i) {
    end = name.find('/', i == 0 ? 0 : end + 1);
    if (end == absl::string_view::npos) return name;
  }
  return name.substr(0, end);
}

bool IsWithin(absl::string_view name, absl::string_view parent) {
  return parent.empty() || name == parent || absl::StartsWith(name, absl::StrCat(parent, "/"));
}

// Whether a role on that level includes reading what alarms are about.
bool ReadsAlarms(v1::Role role, Level level) {
  for (const Verb verb : {Verb::kReadStatus, Verb::kReadKey, Verb::kReadIssuer}) {
    if (auth::RoleAllows(role, level, verb)) return true;
  }
  return false;
}

}  // namespace

bool MaySeeAlarm(const catalog::Snapshot& snapshot, absl::string_view principal,
                 absl::string_view resource) {
  auth::Target target;
  Verb verb = Verb::kReadStatus;
  if (absl::StartsWith(resource, "tenants/")) {
    target.tenant = FirstSegments(resource, 2);
    const absl::string_view rest = resource.substr(target.tenant.size());
    verb = absl::StartsWith(rest, "/keys/") ? Verb::kReadKey : Verb::kReadIssuer;
    if (verb == Verb::kReadKey) target.key = FirstSegments(resource, 4);
  }
  return auth::Decide(snapshot, principal, target, verb).allowed;
}

auth::Decision MayListAlarms(const catalog::Snapshot& snapshot, absl::string_view principal,
                             absl::string_view parent) {
  const auto bindings = snapshot.bindings.find(principal);
  if (bindings == snapshot.bindings.end()) return {false, "no role binding of this principal"};
  for (const auto& binding : bindings->second) {
    if (binding->tenant.empty() && binding->key.empty()) {
      if (ReadsAlarms(binding->role, Level::kService)) return {true, "a role on the service"};
      continue;
    }
    const bool on_key = !binding->key.empty();
    if (!IsWithin(on_key ? binding->key : binding->tenant, parent)) continue;
    if (ReadsAlarms(binding->role, on_key ? Level::kKey : Level::kTenant)) {
      return {true, "a role within the parent"};
    }
  }
  return {false, "no role of this principal includes reading anything here"};
}

}  // namespace sealward::api
