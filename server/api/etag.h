// Etags of resources (AIP-154).
#ifndef SEALWARD_SERVER_API_ETAG_H_
#define SEALWARD_SERVER_API_ETAG_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace sealward::api {

// SHA-256 of the parts, each with its length before it.
std::string Digest(std::initializer_list<absl::string_view> parts);

// The etag of a resource at a revision of the store: a hash, so that it can be
// compared and nothing else.
std::string Etag(absl::string_view name, int64_t mod_revision);

// Whether a request that brings `etag` may change `resource` as it was seen: it
// brings none, or this one's.
template <typename Resource>
bool EtagFits(absl::string_view etag, const Resource& resource) {
  return etag.empty() || etag == Etag(resource.name, resource.mod_revision);
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ETAG_H_
