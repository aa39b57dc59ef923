#include "server/api/signing_service.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/api/answer.h"
#include "server/api/caller.h"
#include "server/api/conversion.h"
#include "server/api/status_conversion.h"
#include "server/auth/decision.h"
#include "server/lifecycle/state.h"

namespace sealward::api {
namespace {

using telemetry::SignMethod;

// tenants/{tenant} of tenants/{tenant}/keys/{key}, or empty. The key's form is
// not looked at: a malformed name is denied like one that does not exist.
absl::string_view TenantOf(absl::string_view key_name) {
  const size_t at = key_name.find("/keys/");
  return at == absl::string_view::npos ? absl::string_view() : key_name.substr(0, at);
}

// The public face of the version that signs.
v1::SigningKey ToSigningKey(const catalog::Key& key, const catalog::KeyVersion& version,
                            absl::Time refresh_time) {
  v1::SigningKey message;
  message.set_version(absl::StrCat(key.name, "/versions/", version.number));
  message.set_kid(version.jwk.kid());
  message.set_algorithm(version.algorithm->algorithm);
  *message.mutable_jwk() = version.jwk;
  *message.mutable_refresh_time() = ToTimestamp(refresh_time);
  return message;
}

}  // namespace

// Call is what one RPC and all its JWTs share: who asks, and what the catalog
// was when they did.
class SigningService::Call {
 public:
  Call(const Edge& edge, SignMethod method, Caller caller)
      : edge_(edge),
        method_(method),
        caller_(std::move(caller)),
        now_(edge.clock->Now()),
        snapshot_(edge.catalog->Get()) {}

  absl::Time now() const { return now_; }
  absl::Time deadline() const { return std::min(caller_.deadline(), now_ + kDefaultDeadline); }
  const std::string& request_id() const { return caller_.request_id(); }

  // The key, if the caller may do `verb` with it. The call keeps it alive.
  absl::StatusOr<const catalog::Key*> Authorize(const std::string& key, auth::Verb verb) const {
    absl::Status allowed =
        caller_.Authorize(*snapshot_, auth::Target{TenantOf(key), key}, verb, key);
    if (!allowed.ok()) return allowed;
    const auto found = snapshot_->keys.find(key);
    if (found == snapshot_->keys.end()) return caller_.Refuse(verb, key, "no such key");
    return found->second.get();
  }

  // Counts one signature against the quotas. Before anything is read of the
  // claims, so that a refusal is cheap.
  quota::Admission Admit(const catalog::Key& key, quota::Limiter& limiter) const {
    return limiter.Admit(*snapshot_, key, now_);
  }

  // Counts how one JWT ended, and records it where the server refused.
  void Ended(const absl::Status& status, const catalog::Key* key) const {
    if (!status.ok() && key != nullptr) {
      caller_.RecordRefusal(auth::Verb::kSign, key->name, status);
    }
    edge_.metrics->CountSign(
        method_, status.code(),
        key == nullptr ? v1::ALGORITHM_UNSPECIFIED : key->algorithm->algorithm);
  }
  void ObserveEnd() const { edge_.metrics->ObserveSign(method_, edge_.clock->Now() - now_); }

 private:
  const Edge& edge_;
  const SignMethod method_;
  const Caller caller_;
  const absl::Time now_;
  const std::shared_ptr<const catalog::Snapshot> snapshot_;
};

grpc::ServerUnaryReactor* SigningService::SignJwt(grpc::CallbackServerContext* context,
                                                  const v1::SignJwtRequest* request,
                                                  v1::SignJwtResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto caller = Caller::Of(edge_, *context);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status(), ""));
    return reactor;
  }
  auto call = std::make_unique<Call>(edge_, SignMethod::kSignJwt, *std::move(caller));
  auto key = call->Authorize(request->key(), auth::Verb::kSign);
  const catalog::Key* known = key.ok() ? *key : nullptr;
  const quota::Admission admission =
      key.ok() ? call->Admit(**key, *limiter_) : quota::Admission{key.status()};
  const absl::Time deadline = call->deadline();
  if (admission.floods) {
    call->Ended(admission.status, known);
    call->ObserveEnd();
    const absl::Time now = call->now();
    held_.Hold(now, deadline, [reactor, call = std::move(call), refused = admission.status] {
      reactor->Finish(ToGrpcStatus(refused, call->request_id()));
    });
    return reactor;
  }
  auto finish = [reactor, response, known,
                 call = std::move(call)](absl::StatusOr<signing::SignedJwt> jwt) {
    call->Ended(jwt.status(), known);
    if (jwt.ok()) {
      response->set_jwt(std::move(jwt->jwt));
      response->set_kid(std::move(jwt->kid));
    }
    call->ObserveEnd();
    reactor->Finish(jwt.ok() ? grpc::Status::OK : ToGrpcStatus(jwt.status(), call->request_id()));
  };
  if (!admission.status.ok()) {
    finish(admission.status);
  } else {
    signer_->Sign({known, request->claims(), request->typ(), deadline, std::move(finish)});
  }
  return reactor;
}

// A batch under way: its answers come on several threads, each into a result of
// its own; the last one finishes the call.
struct SigningService::Batch {
  Batch(const Edge& edge, Caller caller, int size, grpc::ServerUnaryReactor* to_finish)
      : call(edge, SignMethod::kBatchSignJwt, std::move(caller)),
        remaining(size + 1),
        reactor(to_finish) {}

  void Answer(v1::BatchSignJwtResult* result, const catalog::Key* key,
              absl::StatusOr<signing::SignedJwt> jwt) {
    call.Ended(jwt.status(), key);
    if (jwt.ok()) {
      result->mutable_response()->set_jwt(std::move(jwt->jwt));
      result->mutable_response()->set_kid(std::move(jwt->kid));
    } else {
      *result->mutable_error() = ToRpcStatus(jwt.status(), call.request_id());
    }
    Done();
  }
  // One JWT, or the handler, is done with the batch.
  void Done() {
    if (remaining.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    call.ObserveEnd();
    reactor->Finish(grpc::Status::OK);
  }

  Call call;
  std::atomic<int> remaining;
  grpc::ServerUnaryReactor* const reactor;
};

grpc::ServerUnaryReactor* SigningService::BatchSignJwt(grpc::CallbackServerContext* context,
                                                       const v1::BatchSignJwtRequest* request,
                                                       v1::BatchSignJwtResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto caller = Caller::Of(edge_, *context);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status(), ""));
    return reactor;
  }
  const int size = request->requests_size();
  if (size < 1 || size > kMaxBatchSize) {
    const absl::Status refused =
        MakeError(absl::StatusCode::kInvalidArgument, "BATCH_SIZE_INVALID",
                  absl::StrCat("a batch holds 1 to ", kMaxBatchSize, " requests, not ", size));
    caller->RecordRefusal(auth::Verb::kSign, "", refused);
    reactor->Finish(ToGrpcStatus(refused, caller->request_id()));
    return reactor;
  }
  auto batch = std::make_shared<Batch>(edge_, *std::move(caller), size, reactor);
  response->mutable_results()->Reserve(size);
  for (int i = 0; i < size; ++i) response->add_results();
  std::vector<signing::SignRequest> accepted;
  accepted.reserve(static_cast<size_t>(size));
  bool floods = false;
  for (int i = 0; i < size; ++i) {
    const v1::SignJwtRequest& each = request->requests(i);
    v1::BatchSignJwtResult* result = response->mutable_results(i);
    auto key = batch->call.Authorize(each.key(), auth::Verb::kSign);
    if (!key.ok()) {
      batch->Answer(result, nullptr, key.status());
      continue;
    }
    quota::Admission admission = batch->call.Admit(**key, *limiter_);
    if (!admission.status.ok()) {
      floods = floods || admission.floods;
      batch->Answer(result, *key, std::move(admission.status));
      continue;
    }
    accepted.push_back({*key, each.claims(), each.typ(), batch->call.deadline(),
                        [batch, result, known = *key](absl::StatusOr<signing::SignedJwt> jwt) {
                          batch->Answer(result, known, std::move(jwt));
                        }});
  }
  if (floods && accepted.empty()) {
    held_.Hold(batch->call.now(), batch->call.deadline(), [batch] { batch->Done(); });
  } else {
    signer_->SignAll(std::move(accepted));
    batch->Done();
  }
  return reactor;
}

grpc::ServerUnaryReactor* SigningService::GetSigningKey(grpc::CallbackServerContext* context,
                                                        const v1::GetSigningKeyRequest* request,
                                                        v1::SigningKey* response) {
  return AnswerNow(
      edge_, context, response,
      [this, request](const Caller& caller) -> absl::StatusOr<v1::SigningKey> {
        const Call call(edge_, SignMethod::kSignJwt, caller);
        auto key = call.Authorize(request->key(), auth::Verb::kReadSigningKey);
        if (!key.ok()) return key.status();
        auto version = signing::SigningVersion(**key, edge_.Now());
        if (!version.ok()) return version.status();
        const absl::Time change = lifecycle::NextChange(catalog::TimesOf(**key), call.now());
        return ToSigningKey(**key, **version, std::min(change, call.now() + kMaxSigningKeyAge));
      });
}

}  // namespace sealward::api
