// What every answer of the service is held to while it is measured.
#ifndef SEALWARD_TESTS_BENCH_ANSWER_CHECK_H_
#define SEALWARD_TESTS_BENCH_ANSWER_CHECK_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sealward/v1/signing_service.pb.h"
#include "tests/bench/line_protocol.h"
#include "tests/bench/reference_verifier.h"

namespace sealward::bench {

// KeyUnderLoad is a key of the service with claims to sign and the public keys
// that may have signed them.
class KeyUnderLoad {
 public:
  // From {"resource":…,"alg":…,"kids":{kid: SPKI in hex},"claims":{…}}.
  static absl::StatusOr<std::unique_ptr<KeyUnderLoad>> Create(const Json& config);

  // Requests that differ in `jti`, made beforehand so that making them costs
  // the measured time nothing.
  static constexpr size_t kRequests = 1024;
  const std::vector<v1::SignJwtRequest>& requests() const { return requests_; }

  bool KnowsKid(const std::string& kid) const { return verifiers_.contains(kid); }

  // Whether `response` is a JWT over exactly the request's claims, with the
  // header it should have and a signature that OpenSSL accepts.
  absl::Status CheckJwt(const v1::SignJwtRequest& request, const v1::SignJwtResponse& response);

 private:
  std::string alg_;
  std::vector<v1::SignJwtRequest> requests_;
  std::map<std::string, std::unique_ptr<ReferenceVerifier>> verifiers_;
};

// AnswerCheck looks at every answer of a round for its kid, keeps some for
// KeyUnderLoad::CheckJwt after the clock has stopped, and counts errors.
class AnswerCheck {
 public:
  explicit AnswerCheck(KeyUnderLoad& key) : key_(key) {}

  void Answer(const v1::SignJwtRequest& request, const v1::SignJwtResponse& response);
  void Error(const std::string& what);

  // Checks what was kept; {"verified":N,"errors":{what:count}}.
  Json Finish();

 private:
  static constexpr size_t kKeepEvery = 61;
  static constexpr size_t kMaxKept = 256;
  static constexpr size_t kMaxErrorKinds = 8;

  KeyUnderLoad& key_;
  size_t answers_ = 0;
  std::vector<std::pair<v1::SignJwtRequest, v1::SignJwtResponse>> kept_;
  std::map<std::string, int64_t> errors_;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_ANSWER_CHECK_H_
