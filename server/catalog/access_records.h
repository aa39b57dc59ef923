// The structs of access.h as the store's records and back; rules and errors as
// records.h.
#ifndef SEALWARD_SERVER_CATALOG_ACCESS_RECORDS_H_
#define SEALWARD_SERVER_CATALOG_ACCESS_RECORDS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/catalog/access.h"
#include "server/catalog/records.h"

namespace sealward::catalog {

std::string SerializeBinding(const RoleBinding& binding);
std::string SerializeTrustDomain(const TrustDomain& domain);
std::string SerializeDeniedCertificate(const DeniedCertificate& denied);
std::string SerializeApproval(const Approval& approval);
std::string SerializeApprovalPolicy(const ApprovalPolicy& policy);

absl::StatusOr<RoleBinding> ParseBinding(const Stored& stored, absl::string_view name);
absl::StatusOr<TrustDomain> ParseTrustDomain(const Stored& stored, absl::string_view name);
absl::StatusOr<DeniedCertificate> ParseDeniedCertificate(const Stored& stored,
                                                         absl::string_view name);
absl::StatusOr<Approval> ParseApproval(const Stored& stored, absl::string_view name);
absl::StatusOr<ApprovalPolicy> ParseApprovalPolicy(const Stored& stored);

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_ACCESS_RECORDS_H_
