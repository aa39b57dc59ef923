#include "client/signing_key_cache.h"

#include <algorithm>
#include <utility>

#include "client/await.h"
#include "client/signing_key_core.h"

namespace sealward::client {

SigningKeyCache::SigningKeyCache(Signer* signer) : SigningKeyCache(signer, Options()) {}

SigningKeyCache::SigningKeyCache(Signer* signer, Options options) {
  static const auto* const system_clock = new SystemClock;
  if (options.clock == nullptr) options.clock = system_clock;
  if (options.timers == nullptr) options.timers = GrpcTimers();
  options.max_keys = std::max<size_t>(options.max_keys, 1);
  core_ = std::make_shared<Core>(signer, options);
}

SigningKeyCache::~SigningKeyCache() { core_->Close(); }

void SigningKeyCache::GetAsync(absl::string_view key, absl::Time deadline, Callback done) {
  core_->Get(key, deadline, std::move(done));
}

absl::StatusOr<SigningKeyCache::Key> SigningKeyCache::Get(absl::string_view key,
                                                          absl::Time deadline) {
  return Await<Key>([&](Callback done) { core_->Get(key, deadline, std::move(done)); });
}

void SigningKeyCache::Invalidate(absl::string_view key, absl::string_view kid) {
  core_->Invalidate(key, kid);
}

}  // namespace sealward::client
