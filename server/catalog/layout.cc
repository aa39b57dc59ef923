#include "server/catalog/layout.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/resource_name.h"

namespace sealward::catalog {
namespace {

constexpr size_t kVersionDigits = 10;
// The names of what there is one of.
constexpr absl::string_view kStoreIdentityName = "storeIdentity";
constexpr absl::string_view kClockName = "clock";

struct Folder {
  RecordKind kind;
  absl::string_view prefix;
};
constexpr std::array kFolders = {
    Folder{RecordKind::kTenant, "catalog/tenants/"},
    Folder{RecordKind::kIssuer, "catalog/issuers/"},
    Folder{RecordKind::kIssuerUrl, "catalog/issuer-urls/"},
    Folder{RecordKind::kKey, "catalog/keys/"},
    Folder{RecordKind::kVersion, "catalog/versions/"},
    Folder{RecordKind::kBinding, "catalog/bindings/"},
    Folder{RecordKind::kTrustDomain, "catalog/trust-domains/"},
    Folder{RecordKind::kDeniedCertificate, "catalog/denied-certificates/"},
    Folder{RecordKind::kApproval, "catalog/approvals/"},
    Folder{RecordKind::kApprovalPolicy, "catalog/approval-policy/"},
    Folder{RecordKind::kForeignKey, "catalog/foreign-keys/"},
    Folder{RecordKind::kStoreIdentity, "catalog/store-identity/"},
    Folder{RecordKind::kPartition, "catalog/partitions/"},
    Folder{RecordKind::kClock, "catalog/clock/"},
    Folder{RecordKind::kQuarantine, "catalog/quarantine/"},
};

std::string Join(RecordKind kind, absl::string_view rest) {
  return absl::StrCat(kFolders[static_cast<size_t>(kind)].prefix, rest);
}

std::optional<RecordKey> ParseVersionKey(absl::string_view rest) {
  const size_t slash = rest.rfind('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  RecordKey key{RecordKind::kVersion, std::string(rest.substr(0, slash)), 0};
  const absl::string_view digits = rest.substr(slash + 1);
  if (digits.size() != kVersionDigits ||
      !absl::ascii_isdigit(static_cast<unsigned char>(digits[0])) ||
      !absl::SimpleAtoi(digits, &key.version) || key.version < 1 ||
      !KeyName::Parse(key.name).ok()) {
    return std::nullopt;
  }
  return key;
}

bool IsName(RecordKind kind, absl::string_view name) {
  switch (kind) {
    case RecordKind::kTenant:
      return TenantName::Parse(name).ok();
    case RecordKind::kIssuer:
      return IssuerName::Parse(name).ok();
    case RecordKind::kIssuerUrl:
      return !name.empty();
    case RecordKind::kKey:
      return KeyName::Parse(name).ok();
    case RecordKind::kBinding:
      return RoleBindingName::Parse(name).ok();
    case RecordKind::kTrustDomain:
      return TrustDomainName::Parse(name).ok();
    case RecordKind::kDeniedCertificate:
      return DeniedCertificateName::Parse(name).ok();
    case RecordKind::kApproval:
      return ApprovalName::Parse(name).ok();
    case RecordKind::kApprovalPolicy:
      return name == kApprovalPolicyName;
    case RecordKind::kForeignKey:
      return ForeignKeyName::Parse(name).ok();
    case RecordKind::kStoreIdentity:
      return name == kStoreIdentityName;
    case RecordKind::kPartition:
      return PartitionResourceName::Parse(name).ok();
    case RecordKind::kClock:
      return name == kClockName;
    case RecordKind::kQuarantine:
      return QuarantinedObjectName::Parse(name).ok();
    case RecordKind::kVersion:
      break;
  }
  return false;
}

}  // namespace

std::string TenantRecordKey(absl::string_view tenant_name) {
  return Join(RecordKind::kTenant, tenant_name);
}

std::string IssuerRecordKey(absl::string_view issuer_name) {
  return Join(RecordKind::kIssuer, issuer_name);
}

std::string IssuerUrlRecordKey(absl::string_view issuer_url) {
  return Join(RecordKind::kIssuerUrl, issuer_url);
}

std::string KeyRecordKey(absl::string_view key_name) { return Join(RecordKind::kKey, key_name); }

std::string VersionRecordKey(absl::string_view key_name, int64_t version) {
  return Join(RecordKind::kVersion, absl::StrFormat("%s/%010d", key_name, version));
}

std::string BindingRecordKey(absl::string_view binding_name) {
  return Join(RecordKind::kBinding, binding_name);
}

std::string TrustDomainRecordKey(absl::string_view trust_domain_name) {
  return Join(RecordKind::kTrustDomain, trust_domain_name);
}

std::string DeniedCertificateRecordKey(absl::string_view denied_certificate_name) {
  return Join(RecordKind::kDeniedCertificate, denied_certificate_name);
}

std::string ApprovalRecordKey(absl::string_view approval_name) {
  return Join(RecordKind::kApproval, approval_name);
}

std::string ApprovalPolicyRecordKey() {
  return Join(RecordKind::kApprovalPolicy, kApprovalPolicyName);
}

std::string ForeignKeyRecordKey(absl::string_view foreign_key_name) {
  return Join(RecordKind::kForeignKey, foreign_key_name);
}

std::string StoreIdentityRecordKey() {
  return Join(RecordKind::kStoreIdentity, kStoreIdentityName);
}

std::string PartitionRecordKey(absl::string_view partition_name) {
  return Join(RecordKind::kPartition, partition_name);
}

std::string ClockRecordKey() { return Join(RecordKind::kClock, kClockName); }

std::string QuarantineRecordKey(absl::string_view quarantined_object_name) {
  return Join(RecordKind::kQuarantine, quarantined_object_name);
}

std::optional<RecordKey> ParseRecordKey(absl::string_view store_key) {
  for (const Folder& folder : kFolders) {
    absl::string_view rest = store_key;
    if (!absl::ConsumePrefix(&rest, folder.prefix)) continue;
    if (folder.kind == RecordKind::kVersion) return ParseVersionKey(rest);
    if (!IsName(folder.kind, rest)) return std::nullopt;
    return RecordKey{folder.kind, std::string(rest), 0};
  }
  return std::nullopt;
}

}  // namespace sealward::catalog
