// The catalog's structs as messages of the API.
#ifndef SEALWARD_SERVER_API_CONVERSION_H_
#define SEALWARD_SERVER_API_CONVERSION_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "sealward/v1/approval_service.pb.h"
#include "sealward/v1/issuer_service.pb.h"
#include "sealward/v1/key_service.pb.h"
#include "sealward/v1/role_binding_service.pb.h"
#include "sealward/v1/tenant_service.pb.h"
#include "server/catalog/snapshot.h"
#include "server/lifecycle/state.h"

namespace sealward::api {

// REQUIRES: finite.
google::protobuf::Timestamp ToTimestamp(absl::Time time);

v1::KeyVersion::State ToMessage(lifecycle::State state);
v1::Tenant ToMessage(const catalog::Tenant& tenant);
// `public_url` is where JWKS are served, without a slash at its end.
v1::Issuer ToMessage(const catalog::Issuer& issuer, absl::string_view public_url);
v1::ForeignKey ToMessage(const catalog::ForeignKey& key);
v1::RoleBinding ToMessage(const catalog::RoleBinding& binding);
v1::Approval ToMessage(const catalog::Approval& approval);
// What signs and what comes next is derived for `now`.
v1::Key ToMessage(const catalog::Key& key, absl::Time now);
// A version of `key`; its state is derived for `now`.
v1::KeyVersion ToMessage(const catalog::Key& key, const catalog::KeyVersion& version,
                         absl::Time now);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_CONVERSION_H_
