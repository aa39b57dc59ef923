// The two doors to the HSM: JWTs, and bytes of any meaning. What the handlers of
// signing_service.cc have to know of each.
#ifndef SEALWARD_SERVER_API_SIGNING_DOORS_H_
#define SEALWARD_SERVER_API_SIGNING_DOORS_H_

#include <optional>
#include <utility>

#include "sealward/v1/signing_service.pb.h"
#include "server/signing/raw_signer.h"
#include "server/signing/signer.h"
#include "server/telemetry/metrics.h"

namespace sealward::api {

// SignJwt and BatchSignJwt.
struct JwtDoor {
  using Request = v1::SignJwtRequest;
  using Response = v1::SignJwtResponse;
  using Result = v1::BatchSignJwtResult;
  using Signed = signing::SignedJwt;
  using Work = signing::SignRequest;
  static constexpr telemetry::SignMethod kOne = telemetry::SignMethod::kSignJwt;
  static constexpr telemetry::SignMethod kBatch = telemetry::SignMethod::kBatchSignJwt;

  static Work MakeWork(const catalog::Key* key, const Request& request, absl::Time deadline,
                       decltype(Work::done) done) {
    Work work{key, request.claims(), request.typ(), deadline, std::move(done)};
    if (request.has_signing_input()) work.signing_input = request.signing_input();
    return work;
  }
  static void Fill(Signed from, Response& to) {
    to.set_jwt(std::move(from.jwt));
    to.set_kid(std::move(from.kid));
  }
};

// SignRaw and BatchSignRaw.
struct RawDoor {
  using Request = v1::SignRawRequest;
  using Response = v1::SignRawResponse;
  using Result = v1::BatchSignRawResult;
  using Signed = signing::RawSignature;
  using Work = signing::RawRequest;
  static constexpr telemetry::SignMethod kOne = telemetry::SignMethod::kSignRaw;
  static constexpr telemetry::SignMethod kBatch = telemetry::SignMethod::kBatchSignRaw;

  static Work MakeWork(const catalog::Key* key, const Request& request, absl::Time deadline,
                       decltype(Work::done) done) {
    return {key, &request, deadline, std::move(done)};
  }
  static void Fill(Signed from, Response& to) {
    to.set_signature(std::move(from.signature));
    to.set_kid(std::move(from.kid));
  }
};

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_SIGNING_DOORS_H_
