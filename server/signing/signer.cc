#include "server/signing/signer.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "server/hsm_client/cost.h"
#include "server/lifecycle/course.h"
#include "server/lifecycle/state.h"
#include "server/signing/claims.h"
#include "server/signing/verifier_cache.h"

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

// The latest exp of a JWT of this version: so that its key is published as long as it lives.
absl::Time LatestExpiry(const catalog::Key& key, const lifecycle::VersionTimes& times) {
  return std::min(times.publish_until, times.withdraw) - key.issuer->margins.clock_skew;
}

// Index of `typ` among the key's typs, by which header_segments are kept.
absl::StatusOr<size_t> TypIndex(const catalog::Key& key, absl::string_view typ) {
  if (typ.empty()) return 0;
  for (size_t i = 0; i < key.typs.size(); ++i) {
    if (key.typs[i] == typ) return i;
  }
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CLAIMS_OUT_OF_SCOPE",
      absl::StrCat(key.name, " does not allow this typ; its scope lists those it does"));
}

// A key that signs bytes of any meaning must not sign JWTs: what it signed for
// another protocol could then be taken for one (RFC 8725 section 3.11).
absl::Status CheckPurpose(const catalog::Key& key) {
  if (key.purpose == v1::KEY_PURPOSE_JWT) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "PURPOSE_MISMATCH",
                   absl::StrCat(key.name, " is not a key for JWTs; use one of purpose JWT"));
}

absl::Status RefusedByHsm(const hsm::v1::Result& result) {
  // Gone, or short of memory: neither is the request's fault.
  if (result.code() == static_cast<int>(absl::StatusCode::kUnavailable) ||
      result.code() == static_cast<int>(absl::StatusCode::kResourceExhausted)) {
    return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                              absl::StrCat("the HSM cannot sign now: ", result.message()),
                              absl::Milliseconds(200));
  }
  return MakeError(absl::StatusCode::kInternal, "HSM_REFUSED",
                   absl::StrCat("the HSM refused to sign: ", result.message()));
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

void Signer::Sign(SignRequest request) {
  auto prepared = Prepare(request, with_.clock->Now());
  if (!prepared.ok()) {
    request.done(prepared.status());
    return;
  }
  prepared->partition->Submit(std::move(prepared->submission));
}

void Signer::SignAll(std::vector<SignRequest> requests) {
  const absl::Time now = with_.clock->Now();
  // A list for each partition; nearly always there is one.
  absl::InlinedVector<
      std::pair<hsm_client::Partition*, std::vector<hsm_client::Partition::Submission>>, 1>
      lists;
  for (SignRequest& request : requests) {
    auto prepared = Prepare(request, now);
    if (!prepared.ok()) {
      request.done(prepared.status());
      continue;
    }
    auto list =
        std::ranges::find(lists, prepared->partition, [](const auto& each) { return each.first; });
    if (list == lists.end()) {
      lists.emplace_back(prepared->partition, 0);
      list = lists.end() - 1;
      list->second.reserve(requests.size());
    }
    list->second.push_back(std::move(prepared->submission));
  }
  for (auto& [partition, submissions] : lists) partition->SubmitAll(std::move(submissions));
}

absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> Signer::VersionOf(
    const catalog::Key& key) const {
  const Clock& lifecycle = with_.lifecycle == nullptr ? *with_.clock : *with_.lifecycle;
  const Clock& running = with_.running == nullptr ? lifecycle : *with_.running;
  auto version = SigningVersion(key, lifecycle.Now());
  // A clock that stands still must not make a key sign for ever.
  if (version.ok() && (*version)->times.sign_until <= running.Now()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "KEY_NOT_READY",
                     absl::StrCat(key.name,
                                  " has nothing to sign with: its version has reached "
                                  "its hard end while the lifecycle clock is frozen; confirm the "
                                  "clock (`sealward clock confirm`)"));
  }
  return version;
}

absl::StatusOr<Signer::Prepared> Signer::Prepare(SignRequest& request, absl::Time now) {
  const catalog::Key& key = *request.key;
  if (absl::Status purpose = CheckPurpose(key); !purpose.ok()) return purpose;
  auto typ = TypIndex(key, request.typ);
  if (!typ.ok()) return typ.status();
  auto version = VersionOf(key);
  const absl::Time latest =
      version.ok() ? LatestExpiry(key, (*version)->times) : absl::InfiniteFuture();
  if (absl::Status claims = CheckClaims(key, request.claims, now, latest); !claims.ok()) {
    return claims;
  }
  if (!version.ok()) return version.status();
  if (with_.withheld->Contains((*version)->object_id)) {
    return MakeError(absl::StatusCode::kInternal, "KEY_WITHHELD",
                     absl::StrCat(key.name, "/versions/", (*version)->number,
                                  " is withheld: its object in the HSM is not the published one"));
  }
  const auto partition = with_.partitions->Find(key.tenant->partition);
  if (!partition.ok()) return partition.status();
  if (absl::Status usable = with_.epochs->CheckUsable(**partition); !usable.ok()) return usable;
  Pending pending{*std::move(version), key.max_jwt_lifetime, now, {}, std::move(request.done)};
  const std::string& header = pending.version->header_segments[*typ];
  pending.signing_input.reserve(header.size() + 1 + request.claims.size() * 4 / 3 + 4 +
                                pending.version->algorithm->signature_bytes * 4 / 3 + 4);
  pending.signing_input = header;
  pending.signing_input.push_back('.');
  Base64UrlAppend(request.claims, pending.signing_input);
  return Prepared{*partition, Submission(key, std::move(pending), request.deadline)};
}

hsm_client::Partition::Submission Signer::Submission(const catalog::Key& key, Pending pending,
                                                     absl::Time deadline) {
  hsm_client::Partition::Submission submission;
  hsm::v1::SignJws& sign = *submission.operation.mutable_sign_jws();
  sign.mutable_object()->set_object_id(pending.version->object_id);
  sign.mutable_object()->set_key(key.name);
  sign.mutable_object()->set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
  sign.set_signing_input(pending.signing_input);
  submission.deadline = deadline;
  submission.flow = key.tenant->flow;
  submission.cost = hsm_client::CostOf(pending.version->algorithm->algorithm);
  submission.done = [this,
                     pending = std::move(pending)](absl::StatusOr<hsm::v1::Result> answer) mutable {
    auto jwt = Release(pending, std::move(answer));
    pending.done(std::move(jwt));
  };
  return submission;
}

absl::StatusOr<SignedJwt> Signer::Release(Pending& pending,
                                          absl::StatusOr<hsm::v1::Result> answer) {
  if (!answer.ok()) return answer.status();
  if (answer->code() != 0) return RefusedByHsm(*answer);
  const std::string& signature = answer->signature().signature();
  auto verifier = ThreadVerifier(*pending.version);
  if (!verifier.ok()) return verifier.status();
  if (!(*verifier)->Verify(pending.signing_input, signature)) {
    with_.on_bad_signature(*pending.version);
    return MakeError(absl::StatusCode::kInternal, "SIGNATURE_INVALID",
                     "the HSM returned a signature that the published key does not verify; it "
                     "was withheld");
  }
  live_jwts_.Count(pending.version->object_id, pending.max_lifetime, pending.judged);
  SignedJwt signed_jwt{std::move(pending.signing_input), pending.version->jwk.kid()};
  signed_jwt.jwt.push_back('.');
  Base64UrlAppend(signature, signed_jwt.jwt);
  return signed_jwt;
}

}  // namespace sealward::signing
