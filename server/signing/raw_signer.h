// The sign path of keys for bytes of any meaning: SignRaw.
#ifndef SEALWARD_SERVER_SIGNING_RAW_SIGNER_H_
#define SEALWARD_SERVER_SIGNING_RAW_SIGNER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/v1/signing_service.pb.h"
#include "server/catalog/snapshot.h"
#include "server/signing/route.h"

namespace sealward::signing {

inline constexpr size_t kMaxRawMessageBytes = 65'536;

// RawSignature is a signature in the encoding that was asked for.
struct RawSignature {
  std::string signature;
  std::string kid;
};

// RawRequest asks for one signature. `request` must live until Sign returns.
struct RawRequest {
  const catalog::Key* key = nullptr;
  const v1::SignRawRequest* request = nullptr;
  absl::Time deadline = absl::InfiniteFuture();
  // Called once: before Sign returns, or on a reader thread of the partition.
  absl::AnyInvocable<void(absl::StatusOr<RawSignature>)> done;
};

// RawSigner signs with keys of purpose RAW. Whether the caller may use the key was decided
// before. Thread-safe; never blocks. Nothing is released that was not verified with the
// published key.
//
// Errors: those of Route, KidNotSigning and hsm_client::Partition; INVALID_ARGUMENT
// (RAW_INPUT_INVALID: signing_service.proto says what that is); FAILED_PRECONDITION
// (PURPOSE_MISMATCH) for a key that is not of purpose RAW.
class RawSigner {
 public:
  // REQUIRES: `route` outlives it.
  explicit RawSigner(const Route* route) : route_(route) {}

  void Sign(RawRequest request) const;

  // As Sign for each, sharing packets to the HSM.
  void SignAll(std::vector<RawRequest> requests) const;

 private:
  absl::StatusOr<Prepared> Prepare(RawRequest& request) const;

  const Route* const route_;
};

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_RAW_SIGNER_H_
