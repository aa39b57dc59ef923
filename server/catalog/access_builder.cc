#include "server/catalog/access_builder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "server/catalog/access_records.h"

namespace sealward::catalog {
namespace {

// Parses a record and puts it into its map under its name.
template <typename Resource, typename Parse>
absl::Status PutInto(ByName<Resource>& map, const RecordKey& key, const Stored& stored,
                     Parse parse) {
  absl::StatusOr<Resource> parsed = parse(stored, key.name);
  if (!parsed.ok()) return parsed.status();
  map[key.name] = std::make_shared<const Resource>(*std::move(parsed));
  return absl::OkStatus();
}

}  // namespace

bool IsAccessKind(RecordKind kind) {
  return kind >= RecordKind::kBinding && kind <= RecordKind::kApprovalPolicy;
}

absl::Status AccessBuilder::Put(const RecordKey& key, const Stored& stored) {
  switch (key.kind) {
    case RecordKind::kBinding:
      return PutBinding(key, stored);
    case RecordKind::kTrustDomain:
      return PutInto(next_->trust_domains, key, stored, ParseTrustDomain);
    case RecordKind::kDeniedCertificate:
      return PutInto(next_->denied_certificates, key, stored, ParseDeniedCertificate);
    case RecordKind::kApproval:
      return PutInto(next_->approvals, key, stored, ParseApproval);
    case RecordKind::kApprovalPolicy:
      return PutApprovalPolicy(stored);
    default:
      return absl::OkStatus();
  }
}

void AccessBuilder::Delete(const RecordKey& key) {
  switch (key.kind) {
    case RecordKind::kBinding:
      return DeleteBinding(key.name);
    case RecordKind::kTrustDomain:
      next_->trust_domains.erase(key.name);
      return;
    case RecordKind::kDeniedCertificate:
      next_->denied_certificates.erase(key.name);
      return;
    case RecordKind::kApproval:
      next_->approvals.erase(key.name);
      return;
    case RecordKind::kApprovalPolicy:
      next_->approval_policy = ApprovalPolicy{};
      return;
    default:
      return;
  }
}

absl::Status AccessBuilder::PutApprovalPolicy(const Stored& stored) {
  const auto policy = ParseApprovalPolicy(stored);
  if (!policy.ok()) return policy.status();
  next_->approval_policy = *policy;
  return absl::OkStatus();
}

absl::Status AccessBuilder::PutBinding(const RecordKey& key, const Stored& stored) {
  auto parsed = ParseBinding(stored, key.name);
  if (!parsed.ok()) return parsed.status();
  if (!parsed->tenant.empty() && !next_->tenants.contains(parsed->tenant)) {
    return CorruptRecord(stored.store_key, "its tenant is not there");
  }
  DeleteBinding(key.name);
  auto binding = std::make_shared<const RoleBinding>(*std::move(parsed));
  next_->bindings_by_name[key.name] = binding;
  auto& bindings = next_->bindings[binding->principal];
  const auto at = std::ranges::lower_bound(
      bindings, key.name, {}, [](const auto& other) -> const std::string& { return other->name; });
  bindings.insert(at, std::move(binding));
  return absl::OkStatus();
}

void AccessBuilder::DeleteBinding(const std::string& name) {
  const auto binding = FindBinding(*next_, name);
  if (binding == nullptr) return;
  next_->bindings_by_name.erase(name);
  auto& bindings = next_->bindings[binding->principal];
  std::erase_if(bindings, [&name](const auto& other) { return other->name == name; });
  if (bindings.empty()) next_->bindings.erase(binding->principal);
}

}  // namespace sealward::catalog
