#include "common/resource_name.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/errors.h"

namespace sealward {
namespace {

constexpr size_t kMaxQuoted = 80;
constexpr size_t kMaxTrustDomainLength = 255;
constexpr size_t kFingerprintDigits = 64;  // of SHA-256
constexpr size_t kObjectIdDigits = 32;     // of a CKA_ID of 16 bytes
constexpr size_t kMaxNameParts = 7;        // one more than the longest name has

absl::Status Refused(absl::string_view name, absl::string_view form_and_rule) {
  return MakeError(absl::StatusCode::kInvalidArgument, "NAME_INVALID",
                   absl::StrCat("\"", absl::CHexEscape(name.substr(0, kMaxQuoted)),
                                "\" is not a resource name of the form ", form_and_rule));
}

absl::Status Malformed(absl::string_view name, absl::string_view form) {
  return Refused(name,
                 absl::StrCat(form,
                              "; ids are 1-63 characters of a-z, 0-9 and hyphen, starting with a "
                              "letter"));
}

// Matches `name` against a form such as "tenants/*/keys/*"; the ids, in order.
std::optional<std::vector<std::string>> Match(absl::string_view name, absl::string_view form) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(name, absl::MaxSplits('/', kMaxNameParts));
  const std::vector<absl::string_view> wanted = absl::StrSplit(form, '/');
  if (parts.size() != wanted.size()) return std::nullopt;
  std::vector<std::string> ids;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (wanted[i] == "*") {
      if (!IsValidResourceId(parts[i])) return std::nullopt;
      ids.emplace_back(parts[i]);
    } else if (wanted[i] != parts[i]) {
      return std::nullopt;
    }
  }
  return ids;
}

// Whether `text` is `count` lower-case hexadecimal digits.
bool IsHex(absl::string_view text, size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

bool IsValidResourceId(absl::string_view id) {
  if (id.empty() || id.size() > kMaxResourceIdLength) return false;
  if (!absl::ascii_islower(static_cast<unsigned char>(id.front())) || id.back() == '-') {
    return false;
  }
  for (const char c : id) {
    const auto u = static_cast<unsigned char>(c);
    if (!absl::ascii_islower(u) && !absl::ascii_isdigit(u) && c != '-') return false;
  }
  return true;
}

std::string TenantName::ToString() const { return absl::StrCat("tenants/", tenant); }

absl::StatusOr<TenantName> TenantName::Parse(absl::string_view name) {
  auto ids = Match(name, "tenants/*");
  if (!ids) return Malformed(name, "tenants/{tenant}");
  return TenantName{(*ids)[0]};
}

std::string IssuerName::ToString() const {
  return absl::StrCat("tenants/", tenant, "/issuers/", issuer);
}
std::string IssuerName::Parent() const { return absl::StrCat("tenants/", tenant); }

absl::StatusOr<IssuerName> IssuerName::Parse(absl::string_view name) {
  auto ids = Match(name, "tenants/*/issuers/*");
  if (!ids) return Malformed(name, "tenants/{tenant}/issuers/{issuer}");
  return IssuerName{(*ids)[0], (*ids)[1]};
}

std::string KeyName::ToString() const { return absl::StrCat("tenants/", tenant, "/keys/", key); }
std::string KeyName::Parent() const { return absl::StrCat("tenants/", tenant); }

absl::StatusOr<KeyName> KeyName::Parse(absl::string_view name) {
  auto ids = Match(name, "tenants/*/keys/*");
  if (!ids) return Malformed(name, "tenants/{tenant}/keys/{key}");
  return KeyName{(*ids)[0], (*ids)[1]};
}

std::string KeyVersionName::ToString() const {
  return absl::StrCat(key.ToString(), "/versions/", version);
}

absl::StatusOr<KeyVersionName> KeyVersionName::Parse(absl::string_view name) {
  constexpr absl::string_view kForm = "tenants/{tenant}/keys/{key}/versions/{version}";
  constexpr absl::string_view kInfix = "/versions/";
  const size_t at = name.rfind(kInfix);
  if (at == absl::string_view::npos) return Malformed(name, kForm);
  auto key = KeyName::Parse(name.substr(0, at));
  const absl::string_view digits = name.substr(at + kInfix.size());
  int64_t version = 0;
  if (!key.ok() || !absl::SimpleAtoi(digits, &version) || version < 1 ||
      digits != absl::StrCat(version)) {
    return Malformed(name, kForm);
  }
  return KeyVersionName{*std::move(key), version};
}

std::string RoleBindingName::ToString() const {
  const std::string parent = Parent();
  return absl::StrCat(parent, parent.empty() ? "" : "/", "roleBindings/", id);
}
std::string RoleBindingName::Parent() const {
  return key.empty() ? Tenant() : KeyName{tenant, key}.ToString();
}
std::string RoleBindingName::Tenant() const {
  return tenant.empty() ? "" : absl::StrCat("tenants/", tenant);
}

absl::StatusOr<RoleBindingName> RoleBindingName::Parse(absl::string_view name) {
  if (auto ids = Match(name, "roleBindings/*")) return RoleBindingName{"", "", (*ids)[0]};
  if (auto ids = Match(name, "tenants/*/roleBindings/*")) {
    return RoleBindingName{(*ids)[0], "", (*ids)[1]};
  }
  if (auto ids = Match(name, "tenants/*/keys/*/roleBindings/*")) {
    return RoleBindingName{(*ids)[0], (*ids)[1], (*ids)[2]};
  }
  return Malformed(name,
                   "roleBindings/{id}, tenants/{tenant}/roleBindings/{id} or "
                   "tenants/{tenant}/keys/{key}/roleBindings/{id}");
}

bool IsValidTrustDomain(absl::string_view domain) {
  return !domain.empty() && domain.size() <= kMaxTrustDomainLength && domain != "." &&
         domain != ".." && std::all_of(domain.begin(), domain.end(), [](char c) {
           const auto u = static_cast<unsigned char>(c);
           return absl::ascii_islower(u) || absl::ascii_isdigit(u) || c == '.' || c == '_' ||
                  c == '-';
         });
}

std::string TrustDomainName::ToString() const {
  return absl::StrCat("trustDomains/", trust_domain);
}

absl::StatusOr<TrustDomainName> TrustDomainName::Parse(absl::string_view name) {
  absl::string_view domain = name;
  if (!absl::ConsumePrefix(&domain, "trustDomains/") || !IsValidTrustDomain(domain)) {
    return Refused(name,
                   "trustDomains/{trust_domain}; a trust domain is 1-255 characters of a-z, 0-9, "
                   "dot, underscore and hyphen");
  }
  return TrustDomainName{std::string(domain)};
}

std::string DeniedCertificateName::ToString() const {
  return absl::StrCat("deniedCertificates/", fingerprint);
}

absl::StatusOr<DeniedCertificateName> DeniedCertificateName::Parse(absl::string_view name) {
  absl::string_view digits = name;
  const bool prefixed = absl::ConsumePrefix(&digits, "deniedCertificates/");
  if (!prefixed || !IsHex(digits, kFingerprintDigits)) {
    return Refused(name,
                   "deniedCertificates/{fingerprint}; a fingerprint is the SHA-256 of the "
                   "certificate in DER, 64 digits of 0-9 and a-f");
  }
  return DeniedCertificateName{std::string(digits)};
}

std::string ApprovalName::ToString() const { return absl::StrCat("approvals/", approval); }

absl::StatusOr<ApprovalName> ApprovalName::Parse(absl::string_view name) {
  auto ids = Match(name, "approvals/*");
  if (!ids) return Malformed(name, "approvals/{approval}");
  return ApprovalName{(*ids)[0]};
}

std::string ForeignKeyName::ToString() const {
  return absl::StrCat(issuer.ToString(), "/foreignKeys/", foreign_key);
}

absl::StatusOr<ForeignKeyName> ForeignKeyName::Parse(absl::string_view name) {
  auto ids = Match(name, "tenants/*/issuers/*/foreignKeys/*");
  if (!ids) return Malformed(name, "tenants/{tenant}/issuers/{issuer}/foreignKeys/{foreign_key}");
  return ForeignKeyName{{(*ids)[0], (*ids)[1]}, (*ids)[2]};
}

std::string PartitionResourceName::ToString() const {
  return absl::StrCat("partitions/", partition);
}

absl::StatusOr<PartitionResourceName> PartitionResourceName::Parse(absl::string_view name) {
  auto ids = Match(name, "partitions/*");
  if (!ids) return Malformed(name, "partitions/{partition}");
  return PartitionResourceName{(*ids)[0]};
}

std::string QuarantinedObjectName::ToString() const {
  return absl::StrCat("partitions/", partition, "/quarantinedObjects/", object_id);
}

absl::StatusOr<QuarantinedObjectName> QuarantinedObjectName::Parse(absl::string_view name) {
  constexpr absl::string_view kInfix = "/quarantinedObjects/";
  const size_t at = name.rfind(kInfix);
  const absl::string_view digits =
      at == absl::string_view::npos ? "" : name.substr(at + kInfix.size());
  auto partition = PartitionResourceName::Parse(name.substr(0, at));
  if (!partition.ok() || !IsHex(digits, kObjectIdDigits)) {
    return Refused(name,
                   "partitions/{partition}/quarantinedObjects/{object}; an object is its id, "
                   "32 digits of 0-9 and a-f");
  }
  return QuarantinedObjectName{std::move(partition->partition), std::string(digits)};
}

}  // namespace sealward
