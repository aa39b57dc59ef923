// Private to client/: the call behind SignJwtBatch.
#ifndef SEALWARD_CLIENT_BATCH_CALL_H_
#define SEALWARD_CLIENT_BATCH_CALL_H_

#include <functional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "client/retrying_call.h"
#include "client/signer.h"
#include "sealward/v1/signing_service.grpc.pb.h"

namespace sealward::client {

// The request as it goes over the wire.
v1::SignJwtRequest ToProto(JwtRequest request);
// The answer as the user gets it.
SignedJwt FromProto(v1::SignJwtResponse response);

// BatchCall sends a batch, delivers what is final, and sends the rest again.
class BatchCall final : public RetryingCall {
 public:
  BatchCall(const RetryEnvironment& environment, v1::SigningService::Stub* stub,
            absl::Time deadline, std::vector<Signer::BatchItem> items,
            absl::AnyInvocable<void()> finished);

 private:
  // Waiting is a request without a final outcome yet.
  struct Waiting {
    Signer::JwtCallback done;
    absl::Status last_error;
  };

  void Send(grpc::ClientContext* context, std::function<void(grpc::Status)> done) override;
  absl::Status Absorb(absl::Status outcome) override;
  void Finish(absl::Status status) override;

  v1::SigningService::Stub* const stub_;
  std::vector<Waiting> waiting_;
  absl::AnyInvocable<void()> finished_;
  v1::BatchSignJwtRequest request_;  // one entry for each of waiting_
  v1::BatchSignJwtResponse response_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_BATCH_CALL_H_
