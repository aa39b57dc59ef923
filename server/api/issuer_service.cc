#include "server/api/issuer_service.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"
#include "server/api/issuer_rules.h"
#include "server/api/paging.h"
#include "server/api/resource_rules.h"
#include "server/catalog/mutations.h"

namespace sealward::api {
namespace {

// Only a service admin hears of this: who owns a URL is nobody else's business.
absl::Status CheckUrlIsFree(const catalog::Snapshot& snapshot, const std::string& url) {
  const auto owner =
      std::find_if(snapshot.issuers.begin(), snapshot.issuers.end(),
                   [&url](const auto& each) { return each.second->issuer_url == url; });
  if (owner == snapshot.issuers.end()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                   absl::StrCat("the URL belongs to ", owner->first));
}

}  // namespace

grpc::ServerUnaryReactor* IssuerService::CreateIssuer(grpc::CallbackServerContext* context,
                                                      const v1::CreateIssuerRequest* request,
                                                      v1::Issuer* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Create(caller, *request); });
  });
}

grpc::ServerUnaryReactor* IssuerService::GetIssuer(grpc::CallbackServerContext* context,
                                                   const v1::GetIssuerRequest* request,
                                                   v1::Issuer* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Get(caller, *request); });
}

grpc::ServerUnaryReactor* IssuerService::ListIssuers(grpc::CallbackServerContext* context,
                                                     const v1::ListIssuersRequest* request,
                                                     v1::ListIssuersResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

absl::StatusOr<v1::Issuer> IssuerService::Create(const Caller& caller,
                                                 const v1::CreateIssuerRequest& request) const {
  if (const auto parent = TenantName::Parse(request.parent()); !parent.ok()) {
    return parent.status();
  }
  const auto snapshot = edge_.catalog->Get();
  const std::string name = absl::StrCat(request.parent(), "/issuers/", request.issuer_id());
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{request.parent()},
                                        auth::Verb::kCreateIssuer, name);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckResourceId("issuer_id", request.issuer_id()); !s.ok()) return s;
  auto issuer = ParseIssuer(request.issuer());
  if (!issuer.ok()) return issuer.status();
  const auto tenant = snapshot->tenants.find(request.parent());
  if (tenant == snapshot->tenants.end()) return ResourceNotFound(request.parent());
  if (const auto found = snapshot->issuers.find(name); found != snapshot->issuers.end()) {
    if (caller.MadeBefore(found->second->create_time))
      return ToMessage(*found->second, public_url_);
    return ResourceExists(name);
  }
  if (absl::Status s = CheckUrlIsFree(*snapshot, issuer->issuer_url); !s.ok()) return s;
  issuer->name = name;
  issuer->create_time = edge_.Now();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto revision = edge_.Commit(catalog::CreateIssuer(*tenant->second, *issuer));
    if (!revision.ok()) return revision.status();
    issuer->mod_revision = *revision;
  }
  return ToMessage(*issuer, public_url_);
}

absl::StatusOr<v1::Issuer> IssuerService::Get(const Caller& caller,
                                              const v1::GetIssuerRequest& request) const {
  const auto name = IssuerName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent()},
                                        auth::Verb::kReadIssuer, request.name());
      !s.ok()) {
    return s;
  }
  const auto found = snapshot->issuers.find(request.name());
  if (found == snapshot->issuers.end()) return ResourceNotFound(request.name());
  return ToMessage(*found->second, public_url_);
}

absl::StatusOr<v1::ListIssuersResponse> IssuerService::List(
    const Caller& caller, const v1::ListIssuersRequest& request) const {
  if (const auto parent = TenantName::Parse(request.parent()); !parent.ok()) {
    return parent.status();
  }
  const auto snapshot = edge_.catalog->Get();
  const std::string collection = absl::StrCat(request.parent(), "/issuers");
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{request.parent()},
                                        auth::Verb::kReadIssuer, collection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  if (!snapshot->tenants.contains(request.parent())) return ResourceNotFound(request.parent());
  const auto taken = TakePage(ChildrenOf(snapshot->issuers, collection), collection, *page);
  v1::ListIssuersResponse response;
  for (const auto& issuer : taken.items) *response.add_issuers() = ToMessage(*issuer, public_url_);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

}  // namespace sealward::api
