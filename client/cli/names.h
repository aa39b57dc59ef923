// Short names on the command line, and the resource names that they stand for.
#ifndef SEALWARD_CLIENT_CLI_NAMES_H_
#define SEALWARD_CLIENT_CLI_NAMES_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/resource_name.h"

namespace sealward::client::cli {

// Each takes the full name too. Errors: INVALID_ARGUMENT (USAGE) with both forms.

// demo = tenants/demo
absl::StatusOr<TenantName> ExpandTenant(absl::string_view text);
// demo/login = tenants/demo/issuers/login
absl::StatusOr<IssuerName> ExpandIssuer(absl::string_view text);
// The same, or just login, for an issuer of `tenant`.
absl::StatusOr<IssuerName> ExpandIssuerOf(absl::string_view tenant, absl::string_view text);
// demo/main = tenants/demo/keys/main
absl::StatusOr<KeyName> ExpandKey(absl::string_view text);
// demo/main/3 = tenants/demo/keys/main/versions/3
absl::StatusOr<KeyVersionName> ExpandVersion(absl::string_view text);
// demo/login/old = tenants/demo/issuers/login/foreignKeys/old
absl::StatusOr<ForeignKeyName> ExpandForeignKey(absl::string_view text);
// shared = partitions/shared
absl::StatusOr<PartitionResourceName> ExpandPartition(absl::string_view text);
// shared/{CKA_ID} = partitions/shared/quarantinedObjects/{CKA_ID}
absl::StatusOr<QuarantinedObjectName> ExpandQuarantinedObject(absl::string_view text);
// ops = roleBindings/ops, demo/ops = tenants/demo/roleBindings/ops,
// demo/main/ops = tenants/demo/keys/main/roleBindings/ops
absl::StatusOr<RoleBindingName> ExpandRoleBinding(absl::string_view text);
// a0123456789abcdef = approvals/a0123456789abcdef
absl::StatusOr<ApprovalName> ExpandApproval(absl::string_view text);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_NAMES_H_
