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
#include "server/api/conversion.h"
#include "server/api/signing_call.h"
#include "server/api/signing_doors.h"
#include "server/api/status_conversion.h"
#include "server/lifecycle/state.h"
#include "server/signing/signing_version.h"

namespace sealward::api {
namespace {

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

// A batch under way: its answers come on several threads, each into a result of
// its own; the last one finishes the call.
template <typename Door>
struct Batch {
  Batch(const Edge& edge, Caller caller, int size, grpc::ServerUnaryReactor* to_finish)
      : call(edge, Door::kBatch, std::move(caller)), remaining(size + 1), reactor(to_finish) {}

  void Answer(typename Door::Result* result, const catalog::Key* key,
              absl::StatusOr<typename Door::Signed> answer) {
    call.Ended(answer.status(), key);
    if (answer.ok()) {
      Door::Fill(*std::move(answer), *result->mutable_response());
    } else {
      *result->mutable_error() = ToRpcStatus(answer.status(), call.request_id());
    }
    Done();
  }
  // One signature, or the handler, is done with the batch.
  void Done() {
    if (remaining.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    call.ObserveEnd();
    reactor->Finish(grpc::Status::OK);
  }

  SigningCall call;
  std::atomic<int> remaining;
  grpc::ServerUnaryReactor* const reactor;
};

}  // namespace

template <typename Door, typename Signer>
grpc::ServerUnaryReactor* SigningService::SignOne(grpc::CallbackServerContext* context,
                                                  const typename Door::Request* request,
                                                  typename Door::Response* response,
                                                  Signer& signer) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto caller = Caller::Of(edge_, *context);
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status(), ""));
    return reactor;
  }
  auto call = std::make_unique<SigningCall>(edge_, Door::kOne, *std::move(caller));
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
                 call = std::move(call)](absl::StatusOr<typename Door::Signed> answer) {
    call->Ended(answer.status(), known);
    const grpc::Status status =
        answer.ok() ? grpc::Status::OK : ToGrpcStatus(answer.status(), call->request_id());
    if (answer.ok()) Door::Fill(*std::move(answer), *response);
    call->ObserveEnd();
    reactor->Finish(status);
  };
  if (!admission.status.ok()) {
    finish(admission.status);
  } else {
    signer.Sign(Door::MakeWork(known, *request, deadline, std::move(finish)));
  }
  return reactor;
}

template <typename Door, typename Signer, typename BatchRequest, typename BatchResponse>
grpc::ServerUnaryReactor* SigningService::SignBatch(grpc::CallbackServerContext* context,
                                                    const BatchRequest* request,
                                                    BatchResponse* response, Signer& signer) {
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
  auto batch = std::make_shared<Batch<Door>>(edge_, *std::move(caller), size, reactor);
  response->mutable_results()->Reserve(size);
  for (int i = 0; i < size; ++i) response->add_results();
  std::vector<typename Door::Work> accepted;
  accepted.reserve(static_cast<size_t>(size));
  bool floods = false;
  for (int i = 0; i < size; ++i) {
    const typename Door::Request& each = request->requests(i);
    typename Door::Result* result = response->mutable_results(i);
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
    accepted.push_back(
        Door::MakeWork(*key, each, batch->call.deadline(),
                       [batch, result, known = *key](absl::StatusOr<typename Door::Signed> answer) {
                         batch->Answer(result, known, std::move(answer));
                       }));
  }
  if (floods && accepted.empty()) {
    held_.Hold(batch->call.now(), batch->call.deadline(), [batch] { batch->Done(); });
  } else {
    signer.SignAll(std::move(accepted));
    batch->Done();
  }
  return reactor;
}

grpc::ServerUnaryReactor* SigningService::SignJwt(grpc::CallbackServerContext* context,
                                                  const v1::SignJwtRequest* request,
                                                  v1::SignJwtResponse* response) {
  return SignOne<JwtDoor>(context, request, response, *signer_);
}

grpc::ServerUnaryReactor* SigningService::BatchSignJwt(grpc::CallbackServerContext* context,
                                                       const v1::BatchSignJwtRequest* request,
                                                       v1::BatchSignJwtResponse* response) {
  return SignBatch<JwtDoor>(context, request, response, *signer_);
}

grpc::ServerUnaryReactor* SigningService::SignRaw(grpc::CallbackServerContext* context,
                                                  const v1::SignRawRequest* request,
                                                  v1::SignRawResponse* response) {
  return SignOne<RawDoor>(context, request, response, *raw_signer_);
}

grpc::ServerUnaryReactor* SigningService::BatchSignRaw(grpc::CallbackServerContext* context,
                                                       const v1::BatchSignRawRequest* request,
                                                       v1::BatchSignRawResponse* response) {
  return SignBatch<RawDoor>(context, request, response, *raw_signer_);
}

absl::Time SigningKeyRefreshTime(absl::Time now, absl::Time lifecycle_now, absl::Time change) {
  return now + std::min(change - lifecycle_now, kMaxSigningKeyAge);
}

grpc::ServerUnaryReactor* SigningService::GetSigningKey(grpc::CallbackServerContext* context,
                                                        const v1::GetSigningKeyRequest* request,
                                                        v1::SigningKey* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) -> absl::StatusOr<v1::SigningKey> {
                     const SigningCall call(edge_, telemetry::SignMethod::kSignJwt, caller);
                     auto key = call.Authorize(request->key(), auth::Verb::kReadSigningKey);
                     if (!key.ok()) return key.status();
                     const absl::Time now = edge_.Now();
                     auto version = signing::SigningVersion(**key, now);
                     if (!version.ok()) return version.status();
                     const absl::Time change = lifecycle::NextChange(catalog::TimesOf(**key), now);
                     return ToSigningKey(**key, **version,
                                         SigningKeyRefreshTime(call.now(), now, change));
                   });
}

}  // namespace sealward::api
