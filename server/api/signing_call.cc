#include "server/api/signing_call.h"

#include "absl/strings/string_view.h"

namespace sealward::api {
namespace {

// tenants/{tenant} of tenants/{tenant}/keys/{key}, or empty. The key's form is
// not looked at: a malformed name is denied like one that does not exist.
absl::string_view TenantOf(absl::string_view key_name) {
  const size_t at = key_name.find("/keys/");
  return at == absl::string_view::npos ? absl::string_view() : key_name.substr(0, at);
}

}  // namespace

absl::StatusOr<const catalog::Key*> SigningCall::Authorize(const std::string& key,
                                                           auth::Verb verb) const {
  absl::Status allowed = caller_.Authorize(*snapshot_, auth::Target{TenantOf(key), key}, verb, key);
  if (!allowed.ok()) return allowed;
  const auto found = snapshot_->keys.find(key);
  if (found == snapshot_->keys.end()) return caller_.Refuse(verb, key, "no such key");
  return found->second.get();
}

void SigningCall::Ended(const absl::Status& status, const catalog::Key* key) const {
  if (!status.ok() && key != nullptr) {
    caller_.RecordRefusal(auth::Verb::kSign, key->name, status);
  }
  edge_.metrics->CountSign(method_, status.code(),
                           key == nullptr ? v1::ALGORITHM_UNSPECIFIED : key->algorithm->algorithm);
}

}  // namespace sealward::api
