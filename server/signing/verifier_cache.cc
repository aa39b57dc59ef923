#include "server/signing/verifier_cache.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace sealward::signing {

// Keyed by kid, which is a hash of the public key, and by what that signs with: an entry cannot
// go stale.
absl::StatusOr<Verifier*> ThreadVerifier(const catalog::KeyVersion& version) {
  thread_local absl::flat_hash_map<std::string, std::unique_ptr<Verifier>> cache;
  const auto found = cache.find(version.jwk.kid());
  if (found != cache.end() && found->second->algorithm() == version.algorithm) {
    return found->second.get();
  }
  if (found != cache.end()) cache.erase(found);
  auto verifier = Verifier::Create(*version.algorithm, version.spki);
  if (!verifier.ok()) {
    return absl::InternalError(absl::StrCat("the stored public key of kid ", version.jwk.kid(),
                                            " is unusable: ", verifier.status().message()));
  }
  if (cache.size() >= kMaxVerifiersPerThread) cache.clear();
  return cache.emplace(version.jwk.kid(), std::move(*verifier)).first->second.get();
}

}  // namespace sealward::signing
