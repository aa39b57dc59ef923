#include "server/api/tenant_service.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/api/quota_rules.h"
#include "server/api/resource_rules.h"
#include "server/api/update_mask.h"
#include "server/catalog/mutations.h"

namespace sealward::api {
namespace {

constexpr absl::string_view kCollection = "tenants";
constexpr size_t kMaxDisplayNameBytes = 128;

absl::Status CheckDisplayName(absl::string_view name) {
  if (name.size() <= kMaxDisplayNameBytes) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "DISPLAY_NAME_INVALID",
                   absl::StrCat("tenant.display_name is over ", kMaxDisplayNameBytes, " bytes"));
}

absl::Status CheckPartition(const hsm_client::Partitions& partitions, absl::string_view name) {
  if (partitions.Contains(name)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "PARTITION_UNKNOWN",
                   "tenant.partition is not one of the server's configuration; `sealward status` "
                   "lists those that are");
}

// `seen` with the fields that the request changes.
absl::StatusOr<catalog::Tenant> ChangedBy(const std::set<std::string>& fields,
                                          const v1::Tenant& asked, const catalog::Tenant& seen) {
  catalog::Tenant next = seen;
  if (fields.contains("display_name")) {
    if (absl::Status s = CheckDisplayName(asked.display_name()); !s.ok()) return s;
    next.display_name = asked.display_name();
  }
  if (fields.contains("quota")) {
    const auto quota = ParseQuotaOf("tenant.quota", asked);
    if (!quota.ok()) return quota.status();
    next.quota = *quota;
  }
  return next;
}

}  // namespace

grpc::ServerUnaryReactor* TenantService::CreateTenant(grpc::CallbackServerContext* context,
                                                      const v1::CreateTenantRequest* request,
                                                      v1::Tenant* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Create(caller, *request); });
  });
}

grpc::ServerUnaryReactor* TenantService::UpdateTenant(grpc::CallbackServerContext* context,
                                                      const v1::UpdateTenantRequest* request,
                                                      v1::Tenant* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Update(caller, *request); });
  });
}

grpc::ServerUnaryReactor* TenantService::GetTenant(grpc::CallbackServerContext* context,
                                                   const v1::GetTenantRequest* request,
                                                   v1::Tenant* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Get(caller, *request); });
}

grpc::ServerUnaryReactor* TenantService::ListTenants(grpc::CallbackServerContext* context,
                                                     const v1::ListTenantsRequest* request,
                                                     v1::ListTenantsResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

absl::StatusOr<v1::Tenant> TenantService::Create(const Caller& caller,
                                                 const v1::CreateTenantRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  catalog::Tenant tenant;
  tenant.name = absl::StrCat("tenants/", request.tenant_id());
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kCreateTenant, tenant.name);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckResourceId("tenant_id", request.tenant_id()); !s.ok()) return s;
  if (absl::Status s = CheckDisplayName(request.tenant().display_name()); !s.ok()) return s;
  if (absl::Status s = CheckPartition(*partitions_, request.tenant().partition()); !s.ok()) {
    return s;
  }
  const auto quota = ParseQuotaOf("tenant.quota", request.tenant());
  if (!quota.ok()) return quota.status();
  tenant.quota = *quota;
  if (const auto found = snapshot->tenants.find(tenant.name); found != snapshot->tenants.end()) {
    if (caller.MadeBefore(found->second->create_time)) return ToMessage(*found->second);
    return ResourceExists(tenant.name);
  }
  tenant.display_name = request.tenant().display_name();
  if (request.tenant().partition() != hsm_client::kSharedPartition) {
    tenant.partition = request.tenant().partition();
  }
  tenant.create_time = edge_.Now();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto revision = edge_.Commit(catalog::CreateTenant(tenant));
    if (!revision.ok()) return revision.status();
    tenant.mod_revision = *revision;
  }
  return ToMessage(tenant);
}

absl::StatusOr<v1::Tenant> TenantService::Update(const Caller& caller,
                                                 const v1::UpdateTenantRequest& request) const {
  const v1::Tenant& asked = request.tenant();
  if (const auto name = TenantName::Parse(asked.name()); !name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{asked.name()},
                                        auth::Verb::kUpdateTenant, asked.name());
      !s.ok()) {
    return s;
  }
  const auto fields = ParseUpdateMask(request.update_mask(), {"display_name", "quota"});
  if (!fields.ok()) return fields.status();
  const auto seen = snapshot->tenants.find(asked.name());
  if (seen == snapshot->tenants.end()) return ResourceNotFound(asked.name());
  if (!EtagFits(asked.etag(), *seen->second)) return EtagMismatch(asked.name());
  auto next = ChangedBy(*fields, asked, *seen->second);
  if (!next.ok()) return next.status();
  if (request.validate_only()) {
    caller.NothingIsDone();
  } else {
    const auto revision = edge_.Commit(catalog::UpdateTenant(*seen->second, *next));
    if (!revision.ok()) return revision.status();
    next->mod_revision = *revision;
  }
  return ToMessage(*next);
}

absl::StatusOr<v1::Tenant> TenantService::Get(const Caller& caller,
                                              const v1::GetTenantRequest& request) const {
  const auto name = TenantName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{request.name()},
                                        auth::Verb::kReadTenant, request.name());
      !s.ok()) {
    return s;
  }
  const auto found = snapshot->tenants.find(request.name());
  if (found == snapshot->tenants.end()) return ResourceNotFound(request.name());
  return ToMessage(*found->second);
}

absl::StatusOr<v1::ListTenantsResponse> TenantService::List(
    const Caller& caller, const v1::ListTenantsRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s =
          caller.Authorize(*snapshot, auth::Target{}, auth::Verb::kListTenants, kCollection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(kCollection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const auto taken = TakePage(ChildrenOf(snapshot->tenants, kCollection), kCollection, *page);
  v1::ListTenantsResponse response;
  for (const auto& tenant : taken.items) *response.add_tenants() = ToMessage(*tenant);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

}  // namespace sealward::api
