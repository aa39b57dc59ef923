// Which version of a key signs, and why none does.
#ifndef SEALWARD_SERVER_SIGNING_SIGNING_VERSION_H_
#define SEALWARD_SERVER_SIGNING_SIGNING_VERSION_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::signing {

// The version of `key` that signs at `now`. FAILED_PRECONDITION if none does: KEY_SUSPENDED
// or KEY_REVOKED if that is why, else KEY_NOT_READY; the message says when one will, as far
// as that is planned.
absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> SigningVersion(const catalog::Key& key,
                                                                          absl::Time now);

// FAILED_PRECONDITION (KID_NOT_SIGNING), with the metadata `kid`: a caller named another version
// of `key` than `signing`, the one that signs.
absl::Status KidNotSigning(const catalog::Key& key, const catalog::KeyVersion& signing);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_SIGNING_VERSION_H_
