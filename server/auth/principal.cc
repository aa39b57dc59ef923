#include "server/auth/principal.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/errors.h"
#include "server/auth/certificate.h"

namespace sealward::auth {
namespace {

constexpr absl::string_view kSpiffeScheme = "spiffe://";
constexpr size_t kMaxTrustDomainBytes = 255;

bool IsSpiffeCharacter(char c) {
  const auto u = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(u) || c == '.' || c == '-' || c == '_';
}

bool IsSpiffeSegment(absl::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::all_of(segment.begin(), segment.end(), IsSpiffeCharacter);
}

// SPIFFE-ID sections 2.1 and 2.2; a path is needed to name a workload.
bool IsSpiffeId(absl::string_view text) {
  if (text.size() > kMaxPrincipalBytes || !absl::ConsumePrefix(&text, kSpiffeScheme)) return false;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  const absl::string_view domain = parts.front();
  return parts.size() >= 2 && domain.size() <= kMaxTrustDomainBytes &&
         std::none_of(domain.begin(), domain.end(),
                      [](char c) { return absl::ascii_isupper(static_cast<unsigned char>(c)); }) &&
         std::all_of(parts.begin(), parts.end(), IsSpiffeSegment);
}

// As UidPrincipal writes it, and no other way: each user has one name.
bool IsUid(absl::string_view text) {
  uint32_t uid = 0;
  if (!absl::ConsumePrefix(&text, kUidPrefix)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  return error == std::errc() && end == text.data() + text.size() && text == absl::StrCat(uid);
}

absl::string_view Text(const ASN1_STRING* string) {
  return absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                           static_cast<size_t>(ASN1_STRING_length(string)));
}

// All URI SANs, in order.
absl::StatusOr<std::vector<std::string>> UriNames(const X509* certificate) {
  int critical = 0;
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
  // -1 means that there is no such extension; -2 that there are several.
  if (names == nullptr && critical != -1)
    return PrincipalUnreadable("its alternative names are bad");
  std::vector<std::string> uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) uris.emplace_back(Text(name->d.uniformResourceIdentifier));
  }
  return uris;
}

absl::StatusOr<std::string> SubjectPrincipal(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  if (X509_NAME_entry_count(subject) == 0) {
    return PrincipalUnreadable("it has neither a SPIFFE ID nor a subject");
  }
  const std::string name = SubjectName(certificate);
  if (name.empty()) return PrincipalUnreadable("its subject is malformed");
  std::string principal = absl::StrCat(kSubjectPrefix, name);
  if (!ValidatePrincipal(principal).ok()) return PrincipalUnreadable("its subject is too long");
  return principal;
}

}  // namespace

absl::Status ValidatePrincipal(absl::string_view principal) {
  const auto invalid = [](absl::string_view what) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "PRINCIPAL_INVALID",
        absl::StrCat("principal: ", what,
                     "; give spiffe://trust-domain/path, subject: and the name that `openssl x509 "
                     "-noout -subject -nameopt RFC2253` prints, or uid: and a number"));
  };
  if (principal.size() > kMaxPrincipalBytes) return invalid("it is over 512 bytes");
  if (IsSpiffeId(principal) || IsUid(principal)) return absl::OkStatus();
  absl::string_view name = principal;
  if (!absl::ConsumePrefix(&name, kSubjectPrefix)) return invalid("none of the forms");
  if (!absl::StrContains(name, '=')) return invalid("no distinguished name");
  if (!std::all_of(name.begin(), name.end(),
                   [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); })) {
    return invalid("only printable ASCII may stand in a name; write other bytes as \\XX");
  }
  return absl::OkStatus();
}

absl::Status PrincipalUnreadable(absl::string_view what) {
  return MakeError(absl::StatusCode::kUnauthenticated, "PRINCIPAL_INVALID",
                   absl::StrCat("no principal can be read from the client certificate: ", what));
}

absl::string_view TrustDomainOf(absl::string_view principal) {
  if (!absl::ConsumePrefix(&principal, kSpiffeScheme)) return "";
  return principal.substr(0, principal.find('/'));
}

absl::StatusOr<std::string> PrincipalOf(const X509* certificate) {
  auto uris = UriNames(certificate);
  if (!uris.ok()) return uris.status();
  if (uris->size() > 1) {
    return PrincipalUnreadable("it has several URI names; exactly one may be there");
  }
  if (uris->size() == 1 && absl::StartsWithIgnoreCase(uris->front(), "spiffe:")) {
    if (!IsSpiffeId(uris->front())) return PrincipalUnreadable("its SPIFFE ID is malformed");
    return std::move(uris->front());
  }
  return SubjectPrincipal(certificate);
}

absl::StatusOr<std::string> PrincipalOfCertificate(absl::string_view pem) {
  const X509Ptr certificate = ParseCertificate(pem);
  if (certificate == nullptr) return PrincipalUnreadable("it cannot be read");
  return PrincipalOf(certificate.get());
}

std::string UidPrincipal(uint32_t uid) { return absl::StrCat(kUidPrefix, uid); }

}  // namespace sealward::auth
