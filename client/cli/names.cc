#include "client/cli/names.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/exit_code.h"

namespace sealward::client::cli {
namespace {

constexpr size_t kMaxShortParts = 3;    // one more than any short name but a binding's has
constexpr size_t kMaxBindingParts = 3;  // {tenant}/{key}/{id}

// "demo/main" with collection "keys" as "tenants/demo/keys/main"; a full name
// stays as it is.
std::string Expand(absl::string_view text, absl::string_view collection) {
  if (absl::StartsWith(text, "tenants/")) return std::string(text);
  const std::vector<absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', kMaxShortParts - 1));
  if (parts.size() != 2) return std::string(text);
  return absl::StrCat("tenants/", parts[0], "/", collection, "/", parts[1]);
}

// "demo/main/3" with collections "keys" and "versions" as
// "tenants/demo/keys/main/versions/3".
std::string ExpandThree(absl::string_view text, absl::string_view parents,
                        absl::string_view children) {
  if (absl::StartsWith(text, "tenants/")) return std::string(text);
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 3));
  if (parts.size() != 3) return std::string(text);
  return absl::StrCat("tenants/", parts[0], "/", parents, "/", parts[1], "/", children, "/",
                      parts[2]);
}

template <typename Name>
absl::StatusOr<Name> Parse(const std::string& full, absl::string_view short_form) {
  auto name = Name::Parse(full);
  if (name.ok()) return name;
  return UsageError(absl::StrCat(name.status().message(), "; the short form is ", short_form));
}

}  // namespace

absl::StatusOr<TenantName> ExpandTenant(absl::string_view text) {
  const bool full = absl::StrContains(text, '/');
  return Parse<TenantName>(full ? std::string(text) : absl::StrCat("tenants/", text), "{tenant}");
}

absl::StatusOr<IssuerName> ExpandIssuer(absl::string_view text) {
  return Parse<IssuerName>(Expand(text, "issuers"), "{tenant}/{issuer}");
}

absl::StatusOr<IssuerName> ExpandIssuerOf(absl::string_view tenant, absl::string_view text) {
  if (absl::StrContains(text, '/')) return ExpandIssuer(text);
  return ExpandIssuer(absl::StrCat(tenant, "/", text));
}

absl::StatusOr<KeyName> ExpandKey(absl::string_view text) {
  return Parse<KeyName>(Expand(text, "keys"), "{tenant}/{key}");
}

absl::StatusOr<KeyVersionName> ExpandVersion(absl::string_view text) {
  return Parse<KeyVersionName>(ExpandThree(text, "keys", "versions"), "{tenant}/{key}/{version}");
}

absl::StatusOr<ForeignKeyName> ExpandForeignKey(absl::string_view text) {
  return Parse<ForeignKeyName>(ExpandThree(text, "issuers", "foreignKeys"),
                               "{tenant}/{issuer}/{foreign key}");
}

absl::StatusOr<PartitionResourceName> ExpandPartition(absl::string_view text) {
  const bool full = absl::StrContains(text, '/');
  return Parse<PartitionResourceName>(full ? std::string(text) : absl::StrCat("partitions/", text),
                                      "{partition}");
}

absl::StatusOr<QuarantinedObjectName> ExpandQuarantinedObject(absl::string_view text) {
  std::string full(text);
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 2));
  if (parts.size() == 2 && parts[0] != "partitions") {
    full = absl::StrCat("partitions/", parts[0], "/quarantinedObjects/", parts[1]);
  }
  return Parse<QuarantinedObjectName>(full, "{partition}/{object id}");
}

absl::StatusOr<RoleBindingName> ExpandRoleBinding(absl::string_view text) {
  constexpr absl::string_view kShortForms =
      "{id} on the service, {tenant}/{id} on a tenant, {tenant}/{key}/{id} on a key";
  const std::vector<absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', kMaxBindingParts));
  const bool full = parts[0] == "tenants" || parts[0] == "roleBindings";
  if (full || parts.size() > kMaxBindingParts) {
    return Parse<RoleBindingName>(std::string(text), kShortForms);
  }
  std::string name;
  if (parts.size() > 1) absl::StrAppend(&name, "tenants/", parts[0], "/");
  if (parts.size() > 2) absl::StrAppend(&name, "keys/", parts[1], "/");
  absl::StrAppend(&name, "roleBindings/", parts.back());
  return Parse<RoleBindingName>(name, kShortForms);
}

absl::StatusOr<ApprovalName> ExpandApproval(absl::string_view text) {
  const bool full = absl::StrContains(text, '/');
  return Parse<ApprovalName>(full ? std::string(text) : absl::StrCat("approvals/", text),
                             "{approval}");
}

}  // namespace sealward::client::cli
