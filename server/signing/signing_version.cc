#include "server/signing/signing_version.h"

#include <algorithm>
#include <span>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/lifecycle/course.h"
#include "server/lifecycle/state.h"

namespace sealward::signing {
namespace {

// When the next version of `key` begins to sign, in words.
std::string NextActivation(const catalog::Key& key, absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& version : key.versions) {
    if (lifecycle::WillSign(version->times, now)) next = std::min(next, version->times.activate);
  }
  if (next == absl::InfiniteFuture()) return "";
  return absl::StrCat("; its next version signs from ",
                      absl::FormatTime(absl::RFC3339_sec, next, absl::UTCTimeZone()),
                      " on, when every validator's cache has it");
}

// Why `key` has nothing to sign with.
absl::Status NothingSigns(const catalog::Key& key, absl::Time now) {
  const catalog::KeyVersion* last = nullptr;  // of those that have signed
  for (const auto& version : key.versions) {
    const absl::Time since = version->times.activate;
    if (since <= now && (last == nullptr || since >= last->times.activate)) last = version.get();
  }
  const std::string next = NextActivation(key, now);
  const auto error = [](absl::string_view reason, const std::string& message) {
    return MakeError(absl::StatusCode::kFailedPrecondition, reason, message);
  };
  if (last == nullptr) {
    return error("KEY_NOT_READY",
                 absl::StrCat(key.name, " has nothing to sign with yet",
                              next.empty() ? ": its key pair is being generated" : next));
  }
  const std::string version = absl::StrCat(key.name, "/versions/", last->number);
  switch (lifecycle::StateAt(last->times, now)) {
    case lifecycle::State::kSuspended:
      return error("KEY_SUSPENDED",
                   absl::StrCat(version,
                                " is suspended and nothing signs in its place: enable it "
                                "or rotate the key",
                                next));
    case lifecycle::State::kRevoked:
      return error("KEY_REVOKED",
                   absl::StrCat(version, " is revoked and nothing signs in its place yet",
                                next.empty() ? ": its successor is being generated" : next));
    default:
      return error("KEY_NOT_READY",
                   absl::StrCat(version, " may sign no longer and nothing signs in its place yet",
                                next.empty() ? "; `sealward keys plan` says why" : next));
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> SigningVersion(const catalog::Key& key,
                                                                          absl::Time now) {
  absl::InlinedVector<lifecycle::VersionTimes, 8> times;  // on the sign path: no allocation
  for (const auto& version : key.versions) times.push_back(version->times);
  const auto index = lifecycle::SigningVersionAt(std::span(times.data(), times.size()), now);
  if (index) return key.versions[*index];
  return NothingSigns(key, now);
}

absl::Status KidNotSigning(const catalog::Key& key, const catalog::KeyVersion& signing) {
  const std::string& kid = signing.jwk.kid();
  return MakeErrorAbout(absl::StatusCode::kFailedPrecondition, "KID_NOT_SIGNING",
                        absl::StrCat("the kid that was asked for does not sign for ", key.name,
                                     " now; ", kid, " does: ask GetSigningKey, and build it anew"),
                        "kid", kid);
}

}  // namespace sealward::signing
