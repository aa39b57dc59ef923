// The catalog's structs as the store's records (proto/sealward/store/v1) and
// back. Times are kept in whole microseconds, rounded down; InfiniteFuture is 0.
#ifndef SEALWARD_SERVER_CATALOG_RECORDS_H_
#define SEALWARD_SERVER_CATALOG_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/catalog/snapshot.h"

namespace sealward::catalog {

// The value of the struct's record.
std::string SerializeTenant(const Tenant& tenant);
std::string SerializeIssuer(const Issuer& issuer);
std::string SerializeIssuerUrl(absl::string_view issuer_name);
std::string SerializeKey(const Key& key);
std::string SerializeVersion(const KeyVersion& version);

// Stored is a record as it was read.
struct Stored {
  absl::string_view store_key;
  absl::string_view value;
  int64_t mod_revision = 0;
};

// The struct of a record whose store key is of that kind and names `name`.
// DATA_LOSS (RECORD_CORRUPT), naming the store key, for bytes that are no such
// record or that break a rule which this server always keeps.
absl::StatusOr<Tenant> ParseTenant(const Stored& stored, absl::string_view name);
absl::StatusOr<Issuer> ParseIssuer(const Stored& stored, absl::string_view name);
// The issuer's name.
absl::StatusOr<std::string> ParseIssuerUrl(const Stored& stored);

// ParsedKey is a key before its issuer and versions are found.
struct ParsedKey {
  Key key;
  std::string issuer_name;              // empty of purpose RAW
  absl::Duration raw_propagation_time;  // zero of purpose JWT
};
absl::StatusOr<ParsedKey> ParseKey(const Stored& stored, absl::string_view name);

// A version without header_segments. The JWK must be that of its SPKI.
absl::StatusOr<KeyVersion> ParseVersion(const Stored& stored, int64_t number);

// KeyVersion::header_segments: BASE64URL({"alg":…,"kid":…,"typ":…}), one for
// each typ. Empty for a PENDING version.
std::vector<std::string> HeaderSegments(const KeyVersion& version,
                                        const std::vector<std::string>& typs);

// DATA_LOSS (RECORD_CORRUPT).
absl::Status CorruptRecord(absl::string_view store_key, absl::string_view what);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_RECORDS_H_
