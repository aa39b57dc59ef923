// Resource names (AIP-122): tenants/{tenant}/keys/{key} and their like.
#ifndef SEALWARD_COMMON_RESOURCE_NAME_H_
#define SEALWARD_COMMON_RESOURCE_NAME_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward {

// Longest id, the last part of a name.
inline constexpr size_t kMaxResourceIdLength = 63;

// Whether `id` is 1-63 characters of [a-z0-9-], starts with a letter and does
// not end with a hyphen.
bool IsValidResourceId(absl::string_view id);

// TenantName is tenants/{tenant}.
struct TenantName {
  std::string tenant;
  std::string ToString() const;
  static absl::StatusOr<TenantName> Parse(absl::string_view name);
  bool operator==(const TenantName&) const = default;
};

// IssuerName is tenants/{tenant}/issuers/{issuer}.
struct IssuerName {
  std::string tenant;
  std::string issuer;
  std::string ToString() const;
  std::string Parent() const;
  static absl::StatusOr<IssuerName> Parse(absl::string_view name);
  bool operator==(const IssuerName&) const = default;
};

// KeyName is tenants/{tenant}/keys/{key}.
struct KeyName {
  std::string tenant;
  std::string key;
  std::string ToString() const;
  std::string Parent() const;
  static absl::StatusOr<KeyName> Parse(absl::string_view name);
  bool operator==(const KeyName&) const = default;
};

// KeyVersionName is tenants/{tenant}/keys/{key}/versions/{version}; versions
// count from 1.
struct KeyVersionName {
  KeyName key;
  int64_t version = 0;
  std::string ToString() const;
  static absl::StatusOr<KeyVersionName> Parse(absl::string_view name);
  bool operator==(const KeyVersionName&) const = default;
};

// RoleBindingName is roleBindings/{id}, tenants/{tenant}/roleBindings/{id} or
// tenants/{tenant}/keys/{key}/roleBindings/{id}.
struct RoleBindingName {
  std::string tenant;  // empty at service level
  std::string key;     // empty at service and tenant level
  std::string id;
  std::string ToString() const;
  // tenants/{tenant}/keys/{key}, tenants/{tenant}, or empty at service level.
  std::string Parent() const;
  // tenants/{tenant}, or empty at service level.
  std::string Tenant() const;
  static absl::StatusOr<RoleBindingName> Parse(absl::string_view name);
  bool operator==(const RoleBindingName&) const = default;
};

// TrustDomainName is trustDomains/{trust_domain}, a SPIFFE trust domain: 1-255
// characters of [a-z0-9._-] (SPIFFE-ID section 2.1).
struct TrustDomainName {
  std::string trust_domain;
  std::string ToString() const;
  static absl::StatusOr<TrustDomainName> Parse(absl::string_view name);
  bool operator==(const TrustDomainName&) const = default;
};

// Whether `domain` can be the last part of a TrustDomainName.
bool IsValidTrustDomain(absl::string_view domain);

// DeniedCertificateName is deniedCertificates/{fingerprint}: SHA-256 of a
// certificate's DER, 64 digits of [0-9a-f].
struct DeniedCertificateName {
  std::string fingerprint;
  std::string ToString() const;
  static absl::StatusOr<DeniedCertificateName> Parse(absl::string_view name);
  bool operator==(const DeniedCertificateName&) const = default;
};

// ApprovalName is approvals/{approval}.
struct ApprovalName {
  std::string approval;
  std::string ToString() const;
  static absl::StatusOr<ApprovalName> Parse(absl::string_view name);
  bool operator==(const ApprovalName&) const = default;
};

// ForeignKeyName is tenants/{tenant}/issuers/{issuer}/foreignKeys/{foreign_key}.
struct ForeignKeyName {
  IssuerName issuer;
  std::string foreign_key;
  std::string ToString() const;
  static absl::StatusOr<ForeignKeyName> Parse(absl::string_view name);
  bool operator==(const ForeignKeyName&) const = default;
};

// PartitionResourceName is partitions/{partition}.
struct PartitionResourceName {
  std::string partition;
  std::string ToString() const;
  static absl::StatusOr<PartitionResourceName> Parse(absl::string_view name);
  bool operator==(const PartitionResourceName&) const = default;
};

// QuarantinedObjectName is partitions/{partition}/quarantinedObjects/{object}: a
// CKA_ID of 16 bytes, 32 digits of [0-9a-f].
struct QuarantinedObjectName {
  std::string partition;
  std::string object_id;  // the digits
  std::string ToString() const;
  static absl::StatusOr<QuarantinedObjectName> Parse(absl::string_view name);
  bool operator==(const QuarantinedObjectName&) const = default;
};

// The name of the one approval policy.
inline constexpr absl::string_view kApprovalPolicyName = "approvalPolicy";

// Errors of every Parse: INVALID_ARGUMENT (NAME_INVALID), quoting at most the
// first 80 characters of what was given and showing the right form.

}  // namespace sealward

#endif  // SEALWARD_COMMON_RESOURCE_NAME_H_
