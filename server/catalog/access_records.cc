#include "server/catalog/access_records.h"

#include "common/resource_name.h"
#include "sealward/store/v1/records.pb.h"
#include "server/catalog/record_codec.h"

namespace sealward::catalog {
namespace {

namespace records = ::sealward::store::v1;

constexpr size_t kDigestBytes = 32;  // of SHA-256

}  // namespace

std::string SerializeBinding(const RoleBinding& binding) {
  records::RoleBindingRecord record;
  record.set_principal(binding.principal);
  record.set_role(binding.role);
  record.set_create_time_us(ToRecord(binding.create_time));
  record.set_bootstrap(binding.bootstrap);
  return record.SerializeAsString();
}

absl::StatusOr<RoleBinding> ParseBinding(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::RoleBindingRecord>(stored);
  if (!record.ok()) return record.status();
  const auto parsed = RoleBindingName::Parse(name);
  if (!parsed.ok() || record->principal().empty() || !v1::Role_IsValid(record->role()) ||
      record->role() == v1::ROLE_UNSPECIFIED) {
    return CorruptRecord(stored.store_key, "its principal or role is unknown");
  }
  RoleBinding binding;
  binding.name = std::string(name);
  binding.tenant = parsed->Tenant();
  if (!parsed->key.empty()) binding.key = parsed->Parent();
  binding.principal = record->principal();
  binding.role = static_cast<v1::Role>(record->role());
  binding.create_time = absl::FromUnixMicros(record->create_time_us());
  binding.bootstrap = record->bootstrap();
  binding.mod_revision = stored.mod_revision;
  return binding;
}

std::string SerializeTrustDomain(const TrustDomain& domain) {
  records::TrustDomainRecord record;
  record.set_ca_bundle_pem(domain.ca_bundle_pem);
  record.set_create_time_us(ToRecord(domain.create_time));
  return record.SerializeAsString();
}

absl::StatusOr<TrustDomain> ParseTrustDomain(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::TrustDomainRecord>(stored);
  if (!record.ok()) return record.status();
  if (record->ca_bundle_pem().empty()) return CorruptRecord(stored.store_key, "it has no bundle");
  TrustDomain domain;
  domain.name = std::string(name);
  domain.ca_bundle_pem = record->ca_bundle_pem();
  domain.create_time = absl::FromUnixMicros(record->create_time_us());
  domain.mod_revision = stored.mod_revision;
  return domain;
}

std::string SerializeDeniedCertificate(const DeniedCertificate& denied) {
  records::DeniedCertificateRecord record;
  record.set_reason(denied.reason);
  record.set_denier(denied.denier);
  record.set_create_time_us(ToRecord(denied.create_time));
  return record.SerializeAsString();
}

absl::StatusOr<DeniedCertificate> ParseDeniedCertificate(const Stored& stored,
                                                         absl::string_view name) {
  const auto record = Decode<records::DeniedCertificateRecord>(stored);
  if (!record.ok()) return record.status();
  DeniedCertificate denied;
  denied.name = std::string(name);
  denied.reason = record->reason();
  denied.denier = record->denier();
  denied.create_time = absl::FromUnixMicros(record->create_time_us());
  denied.mod_revision = stored.mod_revision;
  return denied;
}

std::string SerializeApproval(const Approval& approval) {
  records::ApprovalRecord record;
  record.set_method(approval.method);
  record.set_resource(approval.resource);
  record.set_request_json(approval.request_json);
  record.set_request_digest(approval.request_digest);
  record.set_requester(approval.requester);
  record.set_tenant(approval.tenant);
  record.set_key(approval.key);
  record.set_verb(approval.verb);
  record.set_create_time_us(ToRecord(approval.create_time));
  record.set_expire_time_us(ToRecord(approval.expire_time));
  record.set_approver(approval.approver);
  record.set_approve_time_us(ToRecord(approval.approve_time));
  return record.SerializeAsString();
}

absl::StatusOr<Approval> ParseApproval(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::ApprovalRecord>(stored);
  if (!record.ok()) return record.status();
  if (record->request_digest().size() != kDigestBytes || record->requester().empty() ||
      record->verb().empty()) {
    return CorruptRecord(stored.store_key, "its digest, requester or verb is missing");
  }
  Approval approval;
  approval.name = std::string(name);
  approval.method = record->method();
  approval.resource = record->resource();
  approval.request_json = record->request_json();
  approval.request_digest = record->request_digest();
  approval.requester = record->requester();
  approval.tenant = record->tenant();
  approval.key = record->key();
  approval.verb = record->verb();
  approval.create_time = absl::FromUnixMicros(record->create_time_us());
  approval.expire_time = absl::FromUnixMicros(record->expire_time_us());
  approval.approver = record->approver();
  approval.approve_time = FromRecord(record->approve_time_us());
  approval.mod_revision = stored.mod_revision;
  return approval;
}

std::string SerializeApprovalPolicy(const ApprovalPolicy& policy) {
  records::ApprovalPolicyRecord record;
  record.set_two_persons(policy.two_persons);
  return record.SerializeAsString();
}

absl::StatusOr<ApprovalPolicy> ParseApprovalPolicy(const Stored& stored) {
  const auto record = Decode<records::ApprovalPolicyRecord>(stored);
  if (!record.ok()) return record.status();
  return ApprovalPolicy{record->two_persons(), stored.mod_revision};
}

}  // namespace sealward::catalog
