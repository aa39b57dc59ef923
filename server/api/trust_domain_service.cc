#include "server/api/trust_domain_service.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/api/resource_rules.h"
#include "server/catalog/access_mutations.h"

namespace sealward::api {
namespace {

constexpr absl::string_view kCollection = "trustDomains";

v1::TrustDomain ToMessage(const catalog::TrustDomain& domain) {
  v1::TrustDomain message;
  message.set_name(domain.name);
  message.set_ca_bundle_pem(domain.ca_bundle_pem);
  const auto certificates = auth::ParseBundle(domain.ca_bundle_pem, {.allow_development = true});
  if (certificates.ok()) {
    for (const auth::CaCertificate& each : *certificates) {
      v1::CaCertificate* ca = message.add_certificates();
      ca->set_subject(each.subject);
      ca->set_fingerprint(each.fingerprint);
      *ca->mutable_expire_time() = ToTimestamp(each.expire_time);
    }
  }
  *message.mutable_create_time() = ToTimestamp(domain.create_time);
  message.set_etag(Etag(domain.name, domain.mod_revision));
  return message;
}

absl::Status TooMany() {
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY",
                   absl::StrCat("there are ", kMaxTrustDomains,
                                " trust domains already; delete one that is not needed any more"));
}

// The domain of that name, if its etag is the one that was seen.
absl::StatusOr<std::shared_ptr<const catalog::TrustDomain>> Find(const catalog::Snapshot& snapshot,
                                                                 const std::string& name,
                                                                 const std::string& etag) {
  const auto found = snapshot.trust_domains.find(name);
  if (found == snapshot.trust_domains.end()) return ResourceNotFound(name);
  if (!etag.empty() && etag != Etag(name, found->second->mod_revision)) return EtagMismatch(name);
  return found->second;
}

}  // namespace

grpc::ServerUnaryReactor* TrustDomainService::CreateTrustDomain(
    grpc::CallbackServerContext* context, const v1::CreateTrustDomainRequest* request,
    v1::TrustDomain* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Create(caller, *request); });
  });
}

grpc::ServerUnaryReactor* TrustDomainService::GetTrustDomain(
    grpc::CallbackServerContext* context, const v1::GetTrustDomainRequest* request,
    v1::TrustDomain* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Get(caller, *request); });
}

grpc::ServerUnaryReactor* TrustDomainService::ListTrustDomains(
    grpc::CallbackServerContext* context, const v1::ListTrustDomainsRequest* request,
    v1::ListTrustDomainsResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

grpc::ServerUnaryReactor* TrustDomainService::UpdateTrustDomain(
    grpc::CallbackServerContext* context, const v1::UpdateTrustDomainRequest* request,
    v1::TrustDomain* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Update(caller, *request); });
  });
}

grpc::ServerUnaryReactor* TrustDomainService::DeleteTrustDomain(
    grpc::CallbackServerContext* context, const v1::DeleteTrustDomainRequest* request,
    v1::DeleteTrustDomainResponse* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Delete(caller, *request); });
  });
}

absl::StatusOr<catalog::TrustDomain> TrustDomainService::PrepareCreate(
    const Caller& caller, const catalog::Snapshot& snapshot,
    const v1::CreateTrustDomainRequest& request) const {
  catalog::TrustDomain domain;
  domain.name = absl::StrCat(kCollection, "/", request.trust_domain_id());
  if (absl::Status s =
          caller.Authorize(snapshot, auth::Target{}, auth::Verb::kManageTrustDomains, domain.name);
      !s.ok()) {
    return s;
  }
  if (const auto name = TrustDomainName::Parse(domain.name); !name.ok()) return name.status();
  const auto bundle = auth::ParseBundle(request.trust_domain().ca_bundle_pem(), rules_);
  if (!bundle.ok()) return bundle.status();
  if (snapshot.trust_domains.contains(domain.name)) return ResourceExists(domain.name);
  if (snapshot.trust_domains.size() >= kMaxTrustDomains) return TooMany();
  domain.ca_bundle_pem = auth::ToPem(*bundle);
  domain.create_time = edge_.Now();
  return domain;
}

absl::StatusOr<v1::TrustDomain> TrustDomainService::Create(
    const Caller& caller, const v1::CreateTrustDomainRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  auto domain = PrepareCreate(caller, *snapshot, request);
  if (absl::IsAlreadyExists(domain.status())) {
    const auto& found =
        snapshot->trust_domains.at(absl::StrCat(kCollection, "/", request.trust_domain_id()));
    if (caller.MadeBefore(found->create_time)) return ToMessage(*found);
  }
  if (!domain.ok()) return domain.status();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    v1::CreateTrustDomainRequest resolved;
    resolved.set_trust_domain_id(request.trust_domain_id());
    resolved.mutable_trust_domain()->set_ca_bundle_pem(domain->ca_bundle_pem);
    const auto permit = Guard(edge_, caller, *snapshot,
                              {"sealward.v1.TrustDomainService/CreateTrustDomain", domain->name, "",
                               auth::Target{}, auth::Verb::kManageTrustDomains, resolved});
    if (!permit.ok()) return permit.status();
    store::Transaction transaction = catalog::CreateTrustDomain(*domain);
    permit->AddTo(transaction);
    const auto revision = edge_.Commit(transaction);
    if (!revision.ok()) return revision.status();
    domain->mod_revision = *revision;
  }
  return ToMessage(*domain);
}

absl::StatusOr<v1::TrustDomain> TrustDomainService::Get(
    const Caller& caller, const v1::GetTrustDomainRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kReadTrustDomains,
                                        request.name());
      !s.ok()) {
    return s;
  }
  if (const auto name = TrustDomainName::Parse(request.name()); !name.ok()) return name.status();
  const auto found = Find(*snapshot, request.name(), "");
  if (!found.ok()) return found.status();
  return ToMessage(**found);
}

absl::StatusOr<v1::ListTrustDomainsResponse> TrustDomainService::List(
    const Caller& caller, const v1::ListTrustDomainsRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kReadTrustDomains, kCollection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(kCollection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto taken = TakePage(ChildrenOf(snapshot->trust_domains, kCollection), kCollection, *page);
  v1::ListTrustDomainsResponse response;
  for (const auto& domain : taken.items) *response.add_trust_domains() = ToMessage(*domain);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

absl::StatusOr<TrustDomainService::DomainPtr> TrustDomainService::PrepareUpdate(
    const Caller& caller, const catalog::Snapshot& snapshot,
    const v1::UpdateTrustDomainRequest& request, catalog::TrustDomain& next) const {
  const std::string& name = request.trust_domain().name();
  if (absl::Status s =
          caller.Authorize(snapshot, auth::Target{}, auth::Verb::kManageTrustDomains, name);
      !s.ok()) {
    return s;
  }
  if (const auto parsed = TrustDomainName::Parse(name); !parsed.ok()) return parsed.status();
  const auto bundle = auth::ParseBundle(request.trust_domain().ca_bundle_pem(), rules_);
  if (!bundle.ok()) return bundle.status();
  auto seen = Find(snapshot, name, request.trust_domain().etag());
  if (!seen.ok()) return seen.status();
  next = **seen;
  next.ca_bundle_pem = auth::ToPem(*bundle);
  return seen;
}

absl::StatusOr<v1::TrustDomain> TrustDomainService::Update(
    const Caller& caller, const v1::UpdateTrustDomainRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  catalog::TrustDomain next;
  const auto seen = PrepareUpdate(caller, *snapshot, request, next);
  if (!seen.ok()) return seen.status();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    v1::UpdateTrustDomainRequest resolved;
    resolved.mutable_trust_domain()->set_name(next.name);
    resolved.mutable_trust_domain()->set_ca_bundle_pem(next.ca_bundle_pem);
    const auto permit = Guard(edge_, caller, *snapshot,
                              {"sealward.v1.TrustDomainService/UpdateTrustDomain", next.name,
                               Etag(next.name, (*seen)->mod_revision), auth::Target{},
                               auth::Verb::kManageTrustDomains, resolved});
    if (!permit.ok()) return permit.status();
    store::Transaction transaction = catalog::UpdateTrustDomain(**seen, next);
    permit->AddTo(transaction);
    const auto revision = edge_.Commit(transaction);
    if (!revision.ok()) return revision.status();
    next.mod_revision = *revision;
  }
  return ToMessage(next);
}

absl::StatusOr<TrustDomainService::DomainPtr> TrustDomainService::PrepareDelete(
    const Caller& caller, const catalog::Snapshot& snapshot,
    const v1::DeleteTrustDomainRequest& request) const {
  if (absl::Status s = caller.Authorize(snapshot, auth::Target{}, auth::Verb::kManageTrustDomains,
                                        request.name());
      !s.ok()) {
    return s;
  }
  if (const auto name = TrustDomainName::Parse(request.name()); !name.ok()) return name.status();
  return Find(snapshot, request.name(), request.etag());
}

absl::StatusOr<v1::DeleteTrustDomainResponse> TrustDomainService::Delete(
    const Caller& caller, const v1::DeleteTrustDomainRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  const auto seen = PrepareDelete(caller, *snapshot, request);
  if (!seen.ok()) return seen.status();
  v1::DeleteTrustDomainRequest resolved;
  resolved.set_name(request.name());
  const auto permit = Guard(edge_, caller, *snapshot,
                            {"sealward.v1.TrustDomainService/DeleteTrustDomain", request.name(),
                             Etag(request.name(), (*seen)->mod_revision), auth::Target{},
                             auth::Verb::kManageTrustDomains, resolved});
  if (!permit.ok()) return permit.status();
  store::Transaction transaction = catalog::DeleteTrustDomain(**seen);
  permit->AddTo(transaction);
  const auto revision = edge_.Commit(transaction);
  if (!revision.ok()) return revision.status();
  return v1::DeleteTrustDomainResponse();
}

}  // namespace sealward::api
