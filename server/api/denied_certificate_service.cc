#include "server/api/denied_certificate_service.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/api/resource_rules.h"
#include "server/catalog/access_mutations.h"

namespace sealward::api {
namespace {

constexpr absl::string_view kCollection = "deniedCertificates";

v1::DeniedCertificate ToMessage(const catalog::DeniedCertificate& denied) {
  v1::DeniedCertificate message;
  message.set_name(denied.name);
  message.set_reason(denied.reason);
  message.set_denier(denied.denier);
  *message.mutable_create_time() = ToTimestamp(denied.create_time);
  message.set_etag(Etag(denied.name, denied.mod_revision));
  return message;
}

// The resource name for a fingerprint as a person gives it: of either case, with
// or without colons. Whether it is one is not looked at.
std::string NameOf(absl::string_view fingerprint) {
  return absl::StrCat(kCollection, "/",
                      absl::AsciiStrToLower(absl::StrReplaceAll(fingerprint, {{":", ""}})));
}

}  // namespace

grpc::ServerUnaryReactor* DeniedCertificateService::CreateDeniedCertificate(
    grpc::CallbackServerContext* context, const v1::CreateDeniedCertificateRequest* request,
    v1::DeniedCertificate* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Create(caller, *request); });
  });
}

grpc::ServerUnaryReactor* DeniedCertificateService::GetDeniedCertificate(
    grpc::CallbackServerContext* context, const v1::GetDeniedCertificateRequest* request,
    v1::DeniedCertificate* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Get(caller, *request); });
}

grpc::ServerUnaryReactor* DeniedCertificateService::ListDeniedCertificates(
    grpc::CallbackServerContext* context, const v1::ListDeniedCertificatesRequest* request,
    v1::ListDeniedCertificatesResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

grpc::ServerUnaryReactor* DeniedCertificateService::DeleteDeniedCertificate(
    grpc::CallbackServerContext* context, const v1::DeleteDeniedCertificateRequest* request,
    v1::DeleteDeniedCertificateResponse* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Delete(caller, *request); });
  });
}

absl::StatusOr<v1::DeniedCertificate> DeniedCertificateService::Create(
    const Caller& caller, const v1::CreateDeniedCertificateRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  catalog::DeniedCertificate denied;
  denied.name = NameOf(request.denied_certificate_id());
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kDenyCertificate, denied.name);
      !s.ok()) {
    return s;
  }
  const auto name = DeniedCertificateName::Parse(denied.name);
  if (!name.ok()) return name.status();
  denied.reason = request.denied_certificate().reason();
  if (denied.reason.size() > kMaxDenialReasonBytes) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "REASON_INVALID",
        absl::StrCat("denied_certificate.reason is over ", kMaxDenialReasonBytes, " bytes"));
  }
  if (name->fingerprint == caller.identity().fingerprint) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "OWN_CERTIFICATE",
                     absl::StrCat(denied.name,
                                  " is the certificate of this very call, which would "
                                  "shut itself out: use another one"));
  }
  if (const auto found = snapshot->denied_certificates.find(denied.name);
      found != snapshot->denied_certificates.end()) {
    if (caller.MadeBefore(found->second->create_time)) return ToMessage(*found->second);
    return ResourceExists(denied.name);
  }
  if (snapshot->denied_certificates.size() >= kMaxDeniedCertificates) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY",
                     absl::StrCat("there are ", kMaxDeniedCertificates,
                                  " denied certificates already; delete those that have expired"));
  }
  denied.denier = caller.principal();
  denied.create_time = edge_.Now();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto revision = edge_.Commit(catalog::CreateDeniedCertificate(denied));
    if (!revision.ok()) return revision.status();
    denied.mod_revision = *revision;
  }
  return ToMessage(denied);
}

absl::StatusOr<v1::DeniedCertificate> DeniedCertificateService::Get(
    const Caller& caller, const v1::GetDeniedCertificateRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{},
                                        auth::Verb::kReadDeniedCertificates, request.name());
      !s.ok()) {
    return s;
  }
  if (const auto name = DeniedCertificateName::Parse(request.name()); !name.ok()) {
    return name.status();
  }
  const auto found = snapshot->denied_certificates.find(request.name());
  if (found == snapshot->denied_certificates.end()) return ResourceNotFound(request.name());
  return ToMessage(*found->second);
}

absl::StatusOr<v1::ListDeniedCertificatesResponse> DeniedCertificateService::List(
    const Caller& caller, const v1::ListDeniedCertificatesRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{},
                                        auth::Verb::kReadDeniedCertificates, kCollection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(kCollection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto taken =
      TakePage(ChildrenOf(snapshot->denied_certificates, kCollection), kCollection, *page);
  v1::ListDeniedCertificatesResponse response;
  for (const auto& denied : taken.items) *response.add_denied_certificates() = ToMessage(*denied);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

absl::StatusOr<v1::DeleteDeniedCertificateResponse> DeniedCertificateService::Delete(
    const Caller& caller, const v1::DeleteDeniedCertificateRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kReadmitCertificate,
                                        request.name());
      !s.ok()) {
    return s;
  }
  if (const auto name = DeniedCertificateName::Parse(request.name()); !name.ok()) {
    return name.status();
  }
  const auto found = snapshot->denied_certificates.find(request.name());
  if (found == snapshot->denied_certificates.end()) return ResourceNotFound(request.name());
  const catalog::DeniedCertificate& seen = *found->second;
  if (!request.etag().empty() && request.etag() != Etag(seen.name, seen.mod_revision)) {
    return EtagMismatch(seen.name);
  }
  const auto revision = edge_.Commit(catalog::DeleteDeniedCertificate(seen));
  if (!revision.ok()) return revision.status();
  return v1::DeleteDeniedCertificateResponse();
}

}  // namespace sealward::api
