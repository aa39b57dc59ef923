// Where records lie in the store. A store key is
//
//   catalog/<kind>/<resource name>
//
// kind         rest
// tenants      tenants/{tenant}
// issuers      tenants/{tenant}/issuers/{issuer}
// issuer-urls  the URL
// keys         tenants/{tenant}/keys/{key}
// versions     tenants/{tenant}/keys/{key}/{version, 10 digits}
// bindings     roleBindings/{id}, below a tenant or a key too
// trust-domains        trustDomains/{trust_domain}
// denied-certificates  deniedCertificates/{fingerprint}
// approvals            approvals/{id}
// approval-policy      approvalPolicy
// foreign-keys         tenants/{tenant}/issuers/{issuer}/foreignKeys/{foreign_key}
// store-identity       storeIdentity
// partitions           partitions/{partition}
// clock                clock
// quarantine           partitions/{partition}/quarantinedObjects/{CKA_ID in hexadecimal}
//
// so that one prefix holds a kind, a longer one its members below a parent, and
// the order of keys is the order of names.
#ifndef SEALWARD_SERVER_CATALOG_LAYOUT_H_
#define SEALWARD_SERVER_CATALOG_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sealward::catalog {

// Prefix of every record; what else the store holds is not the catalog's.
inline constexpr absl::string_view kCatalogPrefix = "catalog/";

// Kinds in the order of dependence: each refers only to those before it.
enum class RecordKind {
  kTenant,
  kIssuer,
  kIssuerUrl,
  kKey,
  kVersion,
  kBinding,
  kTrustDomain,
  kDeniedCertificate,
  kApproval,
  kApprovalPolicy,
  kForeignKey,
  kStoreIdentity,
  kPartition,
  kClock,
  kQuarantine,
};

// RecordKey is a store key, taken apart.
struct RecordKey {
  RecordKind kind = RecordKind::kTenant;
  std::string name;     // resource name; the URL of kIssuerUrl; the key's of kVersion
  int64_t version = 0;  // of kVersion
};

// Store keys. REQUIRES: valid resource names, versions from 1 to 9,999,999,999.
std::string TenantRecordKey(absl::string_view tenant_name);
std::string IssuerRecordKey(absl::string_view issuer_name);
std::string IssuerUrlRecordKey(absl::string_view issuer_url);
std::string KeyRecordKey(absl::string_view key_name);
std::string VersionRecordKey(absl::string_view key_name, int64_t version);
std::string BindingRecordKey(absl::string_view binding_name);
std::string TrustDomainRecordKey(absl::string_view trust_domain_name);
std::string DeniedCertificateRecordKey(absl::string_view denied_certificate_name);
std::string ApprovalRecordKey(absl::string_view approval_name);
std::string ApprovalPolicyRecordKey();
std::string ForeignKeyRecordKey(absl::string_view foreign_key_name);
std::string StoreIdentityRecordKey();
std::string PartitionRecordKey(absl::string_view partition_name);
std::string ClockRecordKey();
std::string QuarantineRecordKey(absl::string_view quarantined_object_name);

// The parts of a store key; nullopt if it is none of the above.
std::optional<RecordKey> ParseRecordKey(absl::string_view store_key);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_LAYOUT_H_
