#include "server/auth/principal.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/errors.h"
#include "grpc/grpc_security_constants.h"

namespace sealward::auth {
namespace {

constexpr absl::string_view kSpiffeScheme = "spiffe://";
constexpr size_t kMaxTrustDomainBytes = 255;

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

absl::Status Unauthenticated(absl::string_view what) {
  return MakeError(absl::StatusCode::kUnauthenticated, "PRINCIPAL_INVALID",
                   absl::StrCat("no principal can be read from the client certificate: ", what));
}

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
  if (names == nullptr && critical != -1) return Unauthenticated("its alternative names are bad");
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
    return Unauthenticated("it has neither a SPIFFE ID nor a subject");
  }
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), subject, 0, XN_FLAG_RFC2253) < 0) {
    return Unauthenticated("its subject is malformed");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);  // NOLINT(google-runtime-int): OpenSSL's
  std::string principal =
      absl::StrCat(kSubjectPrefix, absl::string_view(data, static_cast<size_t>(size)));
  if (!ValidatePrincipal(principal).ok()) return Unauthenticated("its subject is too long");
  return principal;
}

}  // namespace

absl::Status ValidatePrincipal(absl::string_view principal) {
  const auto invalid = [](absl::string_view what) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "PRINCIPAL_INVALID",
        absl::StrCat("principal: ", what,
                     "; give spiffe://trust-domain/path, or subject: and the name that `openssl "
                     "x509 -noout -subject -nameopt RFC2253` prints"));
  };
  if (principal.size() > kMaxPrincipalBytes) return invalid("it is over 512 bytes");
  if (IsSpiffeId(principal)) return absl::OkStatus();
  absl::string_view name = principal;
  if (!absl::ConsumePrefix(&name, kSubjectPrefix)) return invalid("neither form");
  if (!absl::StrContains(name, '=')) return invalid("no distinguished name");
  if (!std::all_of(name.begin(), name.end(),
                   [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); })) {
    return invalid("only printable ASCII may stand in a name; write other bytes as \\XX");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PrincipalOfCertificate(absl::string_view pem) {
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (in == nullptr) return Unauthenticated("it cannot be read");
  const X509Ptr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return Unauthenticated("it cannot be read");
  auto uris = UriNames(certificate.get());
  if (!uris.ok()) return uris.status();
  if (uris->size() > 1)
    return Unauthenticated("it has several URI names; exactly one may be there");
  if (uris->size() == 1 && absl::StartsWithIgnoreCase(uris->front(), "spiffe:")) {
    if (!IsSpiffeId(uris->front())) return Unauthenticated("its SPIFFE ID is malformed");
    return std::move(uris->front());
  }
  return SubjectPrincipal(certificate.get());
}

absl::StatusOr<std::shared_ptr<const Identity>> PrincipalReader::Read(
    const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated()) return Unauthenticated("there is none");
  const auto pem = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.size() != 1) return Unauthenticated("there is none");
  return FromPem(absl::string_view(pem.front().data(), pem.front().size()));
}

absl::StatusOr<std::shared_ptr<const Identity>> PrincipalReader::FromPem(absl::string_view pem) {
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto known = cache_.find(pem);
    if (known != cache_.end()) return known->second;
  }
  auto principal = PrincipalOfCertificate(pem);
  if (!principal.ok()) return principal.status();
  auto identity = std::make_shared<Identity>();
  identity->principal = *std::move(principal);
  absl::MutexLock lock(&mu_);
  if (cache_.size() >= kMaxCachedCertificates) cache_.clear();
  cache_.emplace(pem, identity);
  return identity;
}

}  // namespace sealward::auth
