// IssuerService: other people's public keys beside an issuer's own.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/foreign_jwk.h"
#include "common/jwk.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/issuer_service.h"
#include "server/api/paging.h"
#include "server/api/policy_rules.h"
#include "server/api/resource_rules.h"
#include "server/catalog/issuer_mutations.h"

namespace sealward::api {
namespace {

constexpr absl::Duration kLongestForeignKey = absl::Hours(24 * 400);
constexpr size_t kMaxDescriptionBytes = 256;
constexpr int32_t kNanosPerSecond = 1'000'000'000;

std::vector<std::shared_ptr<const catalog::ForeignKey>> ForeignKeysOf(
    const catalog::Snapshot& snapshot, const std::string& issuer) {
  std::vector<std::shared_ptr<const catalog::ForeignKey>> keys;
  const auto found = snapshot.foreign_keys.find(issuer);
  if (found == snapshot.foreign_keys.end()) return keys;
  for (const auto& [name, key] : *found->second) keys.push_back(key);
  return keys;
}

// A kid must say one thing. And no key pair of ours may come in by this door: it might
// have been withdrawn, or revoked.
absl::Status CheckKid(const catalog::Snapshot& snapshot, const std::string& issuer,
                      const v1::PublicJwk& jwk) {
  const std::string thumbprint = JwkThumbprint(jwk);
  for (const auto& [name, key] : snapshot.keys) {
    for (const auto& version : key->versions) {
      const bool same_kid = key->issuer->name == issuer && version->jwk.kid() == jwk.kid();
      if (!same_kid && version->jwk.kid() != thumbprint) continue;
      return MakeError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                       "foreign_key.jwk is a key pair, or has the kid, of a version that Sealward "
                       "has itself; those are published by their own lifecycle");
    }
  }
  for (const auto& other : ForeignKeysOf(snapshot, issuer)) {
    if (other->jwk.kid() != jwk.kid()) continue;
    return MakeError(
        absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
        absl::StrCat("foreign_key.jwk.kid is that of ", other->name, "; delete that one first"));
  }
  return absl::OkStatus();
}

// Its own versions in their ordinary course need room too.
absl::Status CheckRoom(const catalog::Snapshot& snapshot, const catalog::Issuer& issuer,
                       absl::Time now) {
  const int most = catalog::MaxJwksKeys(issuer);
  const int need = JwksNeedOf(snapshot, issuer, "", now);
  if (need + 1 <= most && catalog::JwksRoom(snapshot, issuer, now) > 0) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "JWKS_FULL",
      absl::StrCat(issuer.name, ": its own keys and foreign ones need up to ", need,
                   " places in a JWKS of at most ", most,
                   "; delete a foreign key, rotate less often, or raise max_jwks_keys if its "
                   "validators take more"));
}

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FOREIGN_KEY_INVALID",
                   absl::StrCat("foreign_key.", what));
}

// The foreign key that `message` asks for; its name is the caller's.
absl::StatusOr<catalog::ForeignKey> ParseForeignKey(const v1::ForeignKey& message, absl::Time now) {
  catalog::ForeignKey key;
  auto jwk = CheckForeignJwk(message.jwk());
  if (!jwk.ok()) return jwk.status();
  key.jwk = *std::move(jwk);
  const google::protobuf::Timestamp& end = message.expire_time();
  key.expire_time = absl::FromUnixSeconds(end.seconds()) + absl::Microseconds(end.nanos() / 1000);
  const bool sane = message.has_expire_time() && end.nanos() >= 0 && end.nanos() < kNanosPerSecond;
  if (!sane || key.expire_time <= now || key.expire_time > now + kLongestForeignKey) {
    return Invalid(
        "expire_time must be in the future and at most 400 days ahead: a migration ends");
  }
  if (message.description().size() > kMaxDescriptionBytes) {
    return Invalid("description must have at most 256 bytes");
  }
  key.description = message.description();
  key.create_time = now;
  return key;
}

// What CreateForeignKey will do, without what it ignores.
v1::CreateForeignKeyRequest Resolved(const v1::CreateForeignKeyRequest& request,
                                     const catalog::ForeignKey& key) {
  v1::CreateForeignKeyRequest resolved;
  resolved.set_parent(request.parent());
  resolved.set_foreign_key_id(request.foreign_key_id());
  *resolved.mutable_foreign_key()->mutable_jwk() = key.jwk;
  *resolved.mutable_foreign_key()->mutable_expire_time() = ToTimestamp(key.expire_time);
  resolved.mutable_foreign_key()->set_description(key.description);
  return resolved;
}

}  // namespace

grpc::ServerUnaryReactor* IssuerService::CreateForeignKey(
    grpc::CallbackServerContext* context, const v1::CreateForeignKeyRequest* request,
    v1::ForeignKey* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return CreateForeign(caller, *request); });
  });
}

grpc::ServerUnaryReactor* IssuerService::DeleteForeignKey(
    grpc::CallbackServerContext* context, const v1::DeleteForeignKeyRequest* request,
    v1::DeleteForeignKeyResponse* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return DeleteForeign(caller, *request); });
  });
}

grpc::ServerUnaryReactor* IssuerService::ListForeignKeys(grpc::CallbackServerContext* context,
                                                         const v1::ListForeignKeysRequest* request,
                                                         v1::ListForeignKeysResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return ListForeign(caller, *request); });
}

absl::StatusOr<v1::ForeignKey> IssuerService::CreateForeign(
    const Caller& caller, const v1::CreateForeignKeyRequest& request) const {
  const auto parent = IssuerName::Parse(request.parent());
  if (!parent.ok()) return parent.status();
  const std::string tenant = parent->Parent();
  const auto snapshot = edge_.catalog->Get();
  const std::string name =
      absl::StrCat(request.parent(), "/foreignKeys/", request.foreign_key_id());
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{tenant}, auth::Verb::kManageForeignKeys, name);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckResourceId("foreign_key_id", request.foreign_key_id()); !s.ok()) {
    return s;
  }
  const absl::Time now = edge_.Now();
  auto key = ParseForeignKey(request.foreign_key(), now);
  if (!key.ok()) return key.status();
  key->name = name;
  const auto found = snapshot->issuers.find(request.parent());
  if (found == snapshot->issuers.end()) return ResourceNotFound(request.parent());
  const catalog::Issuer& issuer = *found->second;
  for (const auto& other : ForeignKeysOf(*snapshot, issuer.name)) {
    if (other->name != name) continue;
    if (caller.MadeBefore(other->create_time)) return ToMessage(*other);
    return ResourceExists(name);
  }
  if (absl::Status s = CheckKid(*snapshot, issuer.name, key->jwk); !s.ok()) return s;
  if (absl::Status s = CheckRoom(*snapshot, issuer, now); !s.ok()) return s;
  if (request.validate_only()) {
    caller.NothingIsDone();
    return ToMessage(*key);
  }
  const auto permit =
      Guard(edge_, caller, *snapshot,
            {"sealward.v1.IssuerService/CreateForeignKey", name, "", auth::Target{tenant},
             auth::Verb::kManageForeignKeys, Resolved(request, *key)});
  if (!permit.ok()) return permit.status();
  store::Transaction transaction = catalog::CreateForeignKey(issuer, *key);
  permit->AddTo(transaction);
  const auto revision = edge_.Commit(transaction);
  if (!revision.ok()) return revision.status();
  key->mod_revision = *revision;
  return ToMessage(*key);
}

absl::StatusOr<v1::DeleteForeignKeyResponse> IssuerService::DeleteForeign(
    const Caller& caller, const v1::DeleteForeignKeyRequest& request) const {
  const auto name = ForeignKeyName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->issuer.Parent()},
                                        auth::Verb::kManageForeignKeys, request.name());
      !s.ok()) {
    return s;
  }
  for (const auto& key : ForeignKeysOf(*snapshot, name->issuer.ToString())) {
    if (key->name != request.name()) continue;
    const auto revision = edge_.Commit(catalog::DeleteForeignKey(*key));
    if (!revision.ok()) return revision.status();
    return v1::DeleteForeignKeyResponse();
  }
  return ResourceNotFound(request.name());
}

absl::StatusOr<v1::ListForeignKeysResponse> IssuerService::ListForeign(
    const Caller& caller, const v1::ListForeignKeysRequest& request) const {
  const auto parent = IssuerName::Parse(request.parent());
  if (!parent.ok()) return parent.status();
  const auto snapshot = edge_.catalog->Get();
  const std::string collection = absl::StrCat(request.parent(), "/foreignKeys");
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{parent->Parent()},
                                        auth::Verb::kReadIssuer, collection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  if (!snapshot->issuers.contains(request.parent())) return ResourceNotFound(request.parent());
  const auto taken = TakePage(ForeignKeysOf(*snapshot, request.parent()), collection, *page);
  v1::ListForeignKeysResponse response;
  for (const auto& key : taken.items) *response.add_foreign_keys() = ToMessage(*key);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

}  // namespace sealward::api
