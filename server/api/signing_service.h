// SignJwt, SignRaw, their batches and GetSigningKey: the first stop of a sign request.
// Next: server/signing/signer.h, or raw_signer.h.
#ifndef SEALWARD_SERVER_API_SIGNING_SERVICE_H_
#define SEALWARD_SERVER_API_SIGNING_SERVICE_H_

#include "absl/time/time.h"
#include "sealward/v1/signing_service.grpc.pb.h"
#include "server/api/edge.h"
#include "server/api/held_answers.h"
#include "server/quota/limiter.h"
#include "server/signing/raw_signer.h"
#include "server/signing/signer.h"

namespace sealward::api {

// Requests of one batch.
inline constexpr int kMaxBatchSize = 256;
// How far away SigningKey.refresh_time is at most.
inline constexpr absl::Duration kMaxSigningKeyAge = absl::Seconds(60);

// When an issuer has to ask again: the key's next change, but within kMaxSigningKeyAge. `now` is
// the system's, as is the answer; `lifecycle_now` and `change` are lifecycle time, which may lag
// (server/lifecycle/lifecycle_clock.h).
absl::Time SigningKeyRefreshTime(absl::Time now, absl::Time lifecycle_now, absl::Time change);

// SigningService decides who may sign with which key and how much, and hands the
// rest to the Signer, or the RawSigner. Of a batch each signature counts for itself: those within
// the quota are signed and the rest are refused, so that a batch larger than a quota is served in
// parts. Whoever floods is refused late (held_answers.h). No handler blocks: answers come from the
// HSM's reader threads.
class SigningService final : public v1::SigningService::CallbackService {
 public:
  // `limiter` is shared by all services that sign. REQUIRES: the signers and
  // `limiter` outlive the service.
  SigningService(const Edge& edge, signing::Signer* signer, const signing::RawSigner* raw_signer,
                 quota::Limiter* limiter, TimerFactory* timers = nullptr)
      : edge_(edge), signer_(signer), raw_signer_(raw_signer), limiter_(limiter), held_(timers) {}

  grpc::ServerUnaryReactor* SignJwt(grpc::CallbackServerContext* context,
                                    const v1::SignJwtRequest* request,
                                    v1::SignJwtResponse* response) override;
  grpc::ServerUnaryReactor* BatchSignJwt(grpc::CallbackServerContext* context,
                                         const v1::BatchSignJwtRequest* request,
                                         v1::BatchSignJwtResponse* response) override;
  grpc::ServerUnaryReactor* SignRaw(grpc::CallbackServerContext* context,
                                    const v1::SignRawRequest* request,
                                    v1::SignRawResponse* response) override;
  grpc::ServerUnaryReactor* BatchSignRaw(grpc::CallbackServerContext* context,
                                         const v1::BatchSignRawRequest* request,
                                         v1::BatchSignRawResponse* response) override;
  grpc::ServerUnaryReactor* GetSigningKey(grpc::CallbackServerContext* context,
                                          const v1::GetSigningKeyRequest* request,
                                          v1::SigningKey* response) override;

 private:
  template <typename Door, typename Signer>
  grpc::ServerUnaryReactor* SignOne(grpc::CallbackServerContext* context,
                                    const typename Door::Request* request,
                                    typename Door::Response* response, Signer& signer);
  template <typename Door, typename Signer, typename BatchRequest, typename BatchResponse>
  grpc::ServerUnaryReactor* SignBatch(grpc::CallbackServerContext* context,
                                      const BatchRequest* request, BatchResponse* response,
                                      Signer& signer);

  const Edge edge_;
  signing::Signer* const signer_;
  const signing::RawSigner* const raw_signer_;
  quota::Limiter* const limiter_;
  HeldAnswers held_;
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_SIGNING_SERVICE_H_
