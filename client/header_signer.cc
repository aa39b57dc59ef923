#include "client/header_signer.h"

#include <memory>
#include <utility>

#include "client/await.h"
#include "client/signing_key_core.h"
#include "common/base64url.h"
#include "common/errors.h"

namespace sealward::client {
namespace {

constexpr absl::string_view kKidNotSigning = "KID_NOT_SIGNING";

}  // namespace

// Attempt is one JWT on its way. It keeps itself alive, and the cache's core, which
// may be asked to forget a kid after the cache has gone.
class HeaderSigner::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Signer* signer, std::shared_ptr<SigningKeyCache::Core> cache, absl::string_view key,
          std::string claims, MakeHeader make_header, absl::Time deadline, Signer::JwtCallback done)
      : signer_(signer),
        cache_(std::move(cache)),
        key_(key),
        claims_(std::move(claims)),
        make_header_(std::move(make_header)),
        deadline_(deadline),
        done_(std::move(done)) {}

  void Start() {
    cache_->Get(key_, deadline_,
                [self = shared_from_this()](absl::StatusOr<SigningKeyCache::Key> version) {
                  if (!version.ok()) return self->done_(version.status());
                  self->Send(**version);
                });
  }

 private:
  void Send(const v1::SigningKey& version) {
    const absl::StatusOr<std::string> header = make_header_(version);
    if (!header.ok()) return done_(header.status());
    std::string input;
    Base64UrlAppend(*header, input);
    input += '.';
    Base64UrlAppend(claims_, input);
    signer_->SignJwtAsync(
        {.key = key_, .claims = {}, .typ = {}, .signing_input = std::move(input)}, deadline_,
        [self = shared_from_this(), kid = version.kid()](absl::StatusOr<SignedJwt> jwt) {
          self->OnAnswer(kid, std::move(jwt));
        });
  }

  void OnAnswer(const std::string& kid, absl::StatusOr<SignedJwt> jwt) {
    if (ErrorReason(jwt.status()) != kKidNotSigning) return done_(std::move(jwt));
    cache_->Invalidate(key_, kid);
    if (std::exchange(last_, true)) return done_(std::move(jwt));
    Start();
  }

  Signer* const signer_;
  const std::shared_ptr<SigningKeyCache::Core> cache_;
  const std::string key_;
  const std::string claims_;
  const MakeHeader make_header_;
  const absl::Time deadline_;
  Signer::JwtCallback done_;
  bool last_ = false;  // there is no further attempt
};

absl::StatusOr<SignedJwt> HeaderSigner::Sign(absl::string_view key, std::string claims,
                                             MakeHeader make_header, absl::Time deadline) {
  return Await<SignedJwt>([&](Signer::JwtCallback done) {
    SignAsync(key, std::move(claims), std::move(make_header), deadline, std::move(done));
  });
}

void HeaderSigner::SignAsync(absl::string_view key, std::string claims, MakeHeader make_header,
                             absl::Time deadline, Signer::JwtCallback done) {
  std::make_shared<Attempt>(signer_, cache_->core_, key, std::move(claims), std::move(make_header),
                            deadline, std::move(done))
      ->Start();
}

}  // namespace sealward::client
