// What publication serves.
#ifndef SEALWARD_SERVER_PUBLISH_DOCUMENT_H_
#define SEALWARD_SERVER_PUBLISH_DOCUMENT_H_

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/catalog/snapshot.h"

namespace sealward::publish {

// Document is one published JSON document: a function of an issuer's keys and
// of the time, which holds until `expires`.
struct Document {
  std::string body;
  std::string etag;  // strong (RFC 9110 section 8.8.3), with its quotes
  // For Cache-Control. Always the issuer's own, also when a change is near: a key
  // that is added is not used before publish + propagation_time, which is at
  // least max_age, and one that is withdrawn has no honest JWT left (retention).
  // So a cache that keeps the old set for max_age refuses nobody, and a max_age
  // that shrank towards each change would only make every cache ask at once.
  absl::Duration max_age;
  // The next change of what is published: build it again then.
  absl::Time expires = absl::InfiniteFuture();
};

// The keys of one issuer, in name order, as catalog::Snapshot holds them.
using IssuerKeys = std::span<const std::shared_ptr<const catalog::Key>>;

// The foreign keys of one issuer by name, as catalog::Snapshot holds them.
using ForeignKeys = std::map<std::string, std::shared_ptr<const catalog::ForeignKey>>;

// The issuer's versions that stand in its JWKS at `now`, in the order of keys and
// numbers, with the key of each. JWT keys only.
struct PublishedVersion {
  const catalog::Key* key = nullptr;
  const catalog::KeyVersion* version = nullptr;
};
std::vector<PublishedVersion> PublishedVersions(IssuerKeys keys, absl::Time now);

// The foreign keys that have not expired at `now`, in name order.
std::vector<const catalog::ForeignKey*> PublishedForeignKeys(const ForeignKeys& foreign,
                                                             absl::Time now);

// The next time after `now` at which the state of any version changes or a foreign
// key expires.
absl::Time NextChange(IssuerKeys keys, const ForeignKeys& foreign, absl::Time now);

// The document with its ETag, a hash of the body.
Document MakeDocument(std::string body, const catalog::Issuer& issuer, absl::Time expires);

// NOT_FOUND (NOTHING_PUBLISHED): no key of the issuer stands in its JWKS. An
// empty set would be cached, and would then refuse the first key's JWTs.
absl::Status NothingPublished(const catalog::Issuer& issuer);

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_DOCUMENT_H_
