#include "server/signing/signer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "server/hsm_client/cost.h"
#include "server/lifecycle/object_calls.h"
#include "server/signing/claims.h"
#include "server/signing/signing_input.h"
#include "server/signing/signing_version.h"

namespace sealward::signing {
namespace {

// The latest exp of a JWT of this version: so that its key is published as long as it lives.
absl::Time LatestExpiry(const catalog::Key& key, const lifecycle::VersionTimes& times) {
  return std::min(times.publish_until, times.withdraw) - key.issuer->margins.clock_skew;
}

absl::Status NoSuchTyp(const catalog::Key& key) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CLAIMS_OUT_OF_SCOPE",
      absl::StrCat(key.name, " does not allow this typ; its scope lists those it does"));
}

// Index of `typ` among the key's typs, by which header_segments are kept.
absl::StatusOr<size_t> TypIndex(const catalog::Key& key, absl::string_view typ) {
  if (typ.empty()) return 0;
  for (size_t i = 0; i < key.typs.size(); ++i) {
    if (key.typs[i] == typ) return i;
  }
  return NoSuchTyp(key);
}

// A key that signs bytes of any meaning must not sign JWTs: what it signed for
// another protocol could then be taken for one (RFC 8725 section 3.11).
absl::Status CheckPurpose(const catalog::Key& key) {
  if (key.purpose == v1::KEY_PURPOSE_JWT) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "PURPOSE_MISMATCH",
                   absl::StrCat(key.name, " is not a key for JWTs; use one of purpose JWT"));
}

// What there is to judge: claims, or a ready signing input that has them.
struct Payload {
  absl::string_view given;  // the claims of a request without a signing input
  size_t typ = 0;           // index among the key's typs, for those
  std::optional<ReadySigningInput> ready = std::nullopt;

  absl::string_view claims() const { return ready ? ready->claims : given; }
};

absl::StatusOr<Payload> PayloadOf(const SignRequest& request) {
  if (!request.signing_input) {
    auto typ = TypIndex(*request.key, request.typ);
    if (!typ.ok()) return typ.status();
    return Payload{request.claims, *typ};
  }
  if (!request.typ.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SIGNING_INPUT_INVALID",
                     "a ready signing input has its typ in its header; leave the request's empty");
  }
  auto ready = ReadSigningInput(*request.signing_input);
  if (!ready.ok()) return ready.status();
  // As a header that has none is read (RFC 7519 section 5.1).
  const std::string typ = ready->header.typ.value_or("JWT");
  if (auto index = TypIndex(*request.key, typ); typ.empty() || !index.ok()) {
    return typ.empty() ? NoSuchTyp(*request.key) : index.status();
  }
  return Payload{.given = {}, .ready = *std::move(ready)};
}

// Whether a ready header is this version's.
absl::Status CheckHeader(const catalog::Key& key, const catalog::KeyVersion& version,
                         const ReadyHeader& header) {
  if (header.kid != version.jwk.kid()) return KidNotSigning(key, version);
  if (header.alg == version.algorithm->jose_alg) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "HEADER_MISMATCH",
                   absl::StrCat("the header's alg is not ", version.algorithm->jose_alg,
                                ", with which ", key.name, " signs now"));
}

std::string SigningInput(const SignRequest& request, const Payload& payload,
                         const catalog::KeyVersion& version) {
  if (request.signing_input) return std::string(*request.signing_input);
  const std::string& header = version.header_segments[payload.typ];
  std::string out;
  // With room for the signature.
  out.reserve(header.size() + 1 + request.claims.size() * 4 / 3 + 4 +
              version.algorithm->signature_bytes * 4 / 3 + 4);
  out = header;
  out.push_back('.');
  Base64UrlAppend(request.claims, out);
  return out;
}

}  // namespace

void Signer::Sign(SignRequest request) {
  auto prepared = Prepare(request, route_->clock().Now());
  if (!prepared.ok()) {
    request.done(prepared.status());
    return;
  }
  prepared->partition->Submit(std::move(prepared->submission));
}

void Signer::SignAll(std::vector<SignRequest> requests) {
  const absl::Time now = route_->clock().Now();
  std::vector<Prepared> all;
  all.reserve(requests.size());
  for (SignRequest& request : requests) {
    auto prepared = Prepare(request, now);
    if (prepared.ok()) {
      all.push_back(*std::move(prepared));
    } else {
      request.done(prepared.status());
    }
  }
  SubmitAll(std::move(all));
}

absl::StatusOr<Prepared> Signer::Prepare(SignRequest& request, absl::Time now) {
  const catalog::Key& key = *request.key;
  if (absl::Status purpose = CheckPurpose(key); !purpose.ok()) return purpose;
  auto payload = PayloadOf(request);
  if (!payload.ok()) return payload.status();
  auto version = route_->VersionOf(key);
  const absl::Time latest =
      version.ok() ? LatestExpiry(key, (*version)->times) : absl::InfiniteFuture();
  if (absl::Status claims = CheckClaims(key, payload->claims(), now, latest); !claims.ok()) {
    return claims;
  }
  if (!version.ok()) return version.status();
  if (payload->ready) {
    absl::Status header = CheckHeader(key, **version, payload->ready->header);
    if (!header.ok()) return header;
  }
  auto partition = route_->PartitionOf(key, **version);
  if (!partition.ok()) return partition.status();
  Pending pending{*std::move(version), key.max_jwt_lifetime, now, {}, std::move(request.done)};
  pending.signing_input = SigningInput(request, *payload, *pending.version);
  return Prepared{*partition, Submission(key, std::move(pending), request.deadline)};
}

hsm_client::Partition::Submission Signer::Submission(const catalog::Key& key, Pending pending,
                                                     absl::Time deadline) {
  hsm_client::Partition::Submission submission;
  hsm::v1::SignJws& sign = *submission.operation.mutable_sign_jws();
  *sign.mutable_object() = lifecycle::ObjectOf(key, *pending.version);
  sign.set_signing_input(pending.signing_input);
  submission.deadline = deadline;
  submission.flow = key.tenant->flow;
  submission.cost = hsm_client::CostOf(*pending.version->algorithm);
  submission.done = [this,
                     pending = std::move(pending)](absl::StatusOr<hsm::v1::Result> answer) mutable {
    auto jwt = Release(pending, std::move(answer));
    pending.done(std::move(jwt));
  };
  return submission;
}

absl::StatusOr<SignedJwt> Signer::Release(Pending& pending,
                                          absl::StatusOr<hsm::v1::Result> answer) {
  const auto signature =
      route_->Release(*pending.version, {pending.signing_input}, std::move(answer));
  if (!signature.ok()) return signature.status();
  live_jwts_.Count(pending.version->object_id, pending.max_lifetime, pending.judged);
  SignedJwt signed_jwt{std::move(pending.signing_input), pending.version->jwk.kid()};
  signed_jwt.jwt.push_back('.');
  Base64UrlAppend(*signature, signed_jwt.jwt);
  return signed_jwt;
}

}  // namespace sealward::signing
