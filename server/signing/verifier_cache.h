// Warm verifiers for the thread that needs them.
#ifndef SEALWARD_SERVER_SIGNING_VERIFIER_CACHE_H_
#define SEALWARD_SERVER_SIGNING_VERIFIER_CACHE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "common/verifier.h"
#include "server/catalog/snapshot.h"

namespace sealward::signing {

// Verifiers that one thread keeps; one more empties the cache.
inline constexpr size_t kMaxVerifiersPerThread = 512;

// The calling thread's verifier of `version`, made on first use. Valid until
// the thread's next call. INTERNAL if the stored public key is unusable.
absl::StatusOr<Verifier*> ThreadVerifier(const catalog::KeyVersion& version);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_VERIFIER_CACHE_H_
