#include "server/api/role_binding_service.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/api/resource_rules.h"
#include "server/auth/principal.h"
#include "server/catalog/access_mutations.h"

namespace sealward::api {
namespace {

using BindingPtr = std::shared_ptr<const catalog::RoleBinding>;

std::string Collection(absl::string_view parent) {
  return parent.empty() ? "roleBindings" : absl::StrCat(parent, "/roleBindings");
}

// `parent` is empty, or tenants/{tenant}.
absl::Status CheckParent(absl::string_view parent) {
  return parent.empty() ? absl::OkStatus() : TenantName::Parse(parent).status();
}

absl::Status CheckRole(v1::Role role, bool on_tenant) {
  const auth::Level level = on_tenant ? auth::Level::kTenant : auth::Level::kService;
  if (auth::RoleMeansSomething(role, level)) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "ROLE_INVALID",
      on_tenant ? "role_binding.role on a tenant must be operator, token-issuer or viewer"
                : "role_binding.role on the service must be admin, operator or viewer; the right "
                  "to sign is always a tenant's");
}

// The tenant of a binding's parent; null at service level.
absl::StatusOr<std::shared_ptr<const catalog::Tenant>> FindParent(const catalog::Snapshot& snapshot,
                                                                  const std::string& parent) {
  if (parent.empty()) return nullptr;
  const auto found = snapshot.tenants.find(parent);
  if (found == snapshot.tenants.end()) return ResourceNotFound(parent);
  return found->second;
}

// What CreateRoleBinding will do, without what it ignores.
v1::CreateRoleBindingRequest Resolved(const v1::CreateRoleBindingRequest& request) {
  v1::CreateRoleBindingRequest resolved;
  resolved.set_parent(request.parent());
  resolved.set_role_binding_id(request.role_binding_id());
  resolved.mutable_role_binding()->set_principal(request.role_binding().principal());
  resolved.mutable_role_binding()->set_role(request.role_binding().role());
  return resolved;
}

std::vector<BindingPtr> BindingsBelow(const catalog::Snapshot& snapshot, absl::string_view parent) {
  std::vector<BindingPtr> bindings;
  for (const auto& [principal, theirs] : snapshot.bindings) {
    for (const BindingPtr& binding : theirs) {
      if (binding->tenant == parent) bindings.push_back(binding);
    }
  }
  return bindings;
}

}  // namespace

grpc::ServerUnaryReactor* RoleBindingService::CreateRoleBinding(
    grpc::CallbackServerContext* context, const v1::CreateRoleBindingRequest* request,
    v1::RoleBinding* response) {
  return AnswerLater(edge_, context, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Create(caller, *request); });
  });
}

grpc::ServerUnaryReactor* RoleBindingService::GetRoleBinding(
    grpc::CallbackServerContext* context, const v1::GetRoleBindingRequest* request,
    v1::RoleBinding* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return Get(caller, *request); });
}

grpc::ServerUnaryReactor* RoleBindingService::ListRoleBindings(
    grpc::CallbackServerContext* context, const v1::ListRoleBindingsRequest* request,
    v1::ListRoleBindingsResponse* response) {
  return AnswerNow(edge_, context, response,
                   [this, request](const Caller& caller) { return List(caller, *request); });
}

grpc::ServerUnaryReactor* RoleBindingService::DeleteRoleBinding(
    grpc::CallbackServerContext* context, const v1::DeleteRoleBindingRequest* request,
    v1::DeleteRoleBindingResponse* response) {
  return AnswerLater(edge_, context, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Delete(caller, *request); });
  });
}

absl::StatusOr<v1::RoleBinding> RoleBindingService::Create(
    const Caller& caller, const v1::CreateRoleBindingRequest& request) const {
  if (absl::Status s = CheckParent(request.parent()); !s.ok()) return s;
  const auto snapshot = edge_.catalog->Get();
  catalog::RoleBinding binding;
  binding.name = absl::StrCat(Collection(request.parent()), "/", request.role_binding_id());
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{request.parent()},
                                        auth::Verb::kManageBindings, binding.name);
      !s.ok()) {
    return s;
  }
  binding.tenant = request.parent();
  binding.principal = request.role_binding().principal();
  binding.role = request.role_binding().role();
  binding.create_time = edge_.Now();
  if (absl::Status s = CheckResourceId("role_binding_id", request.role_binding_id()); !s.ok()) {
    return s;
  }
  if (absl::Status s = auth::ValidatePrincipal(binding.principal); !s.ok()) return s;
  if (absl::Status s = CheckRole(binding.role, !binding.tenant.empty()); !s.ok()) return s;
  const auto tenant = FindParent(*snapshot, request.parent());
  if (!tenant.ok()) return tenant.status();
  if (catalog::FindBinding(*snapshot, binding.name) != nullptr) {
    return ResourceExists(binding.name);
  }
  if (!request.validate_only()) {
    const auto permit =
        Guard(edge_, caller, *snapshot,
              {"sealward.v1.RoleBindingService/CreateRoleBinding", binding.name, "",
               auth::Target{binding.tenant}, auth::Verb::kManageBindings, Resolved(request)});
    if (!permit.ok()) return permit.status();
    store::Transaction transaction = catalog::CreateBinding(tenant->get(), binding);
    permit->AddTo(transaction);
    const auto revision = edge_.Commit(transaction);
    if (!revision.ok()) return revision.status();
    binding.mod_revision = *revision;
  }
  return ToMessage(binding);
}

absl::StatusOr<v1::RoleBinding> RoleBindingService::Get(
    const Caller& caller, const v1::GetRoleBindingRequest& request) const {
  const auto name = RoleBindingName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent()},
                                        auth::Verb::kManageBindings, request.name());
      !s.ok()) {
    return s;
  }
  const auto binding = catalog::FindBinding(*snapshot, request.name());
  if (binding == nullptr) return ResourceNotFound(request.name());
  return ToMessage(*binding);
}

absl::StatusOr<v1::ListRoleBindingsResponse> RoleBindingService::List(
    const Caller& caller, const v1::ListRoleBindingsRequest& request) const {
  if (absl::Status s = CheckParent(request.parent()); !s.ok()) return s;
  const auto snapshot = edge_.catalog->Get();
  const std::string collection = Collection(request.parent());
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{request.parent()},
                                        auth::Verb::kManageBindings, collection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  if (const auto tenant = FindParent(*snapshot, request.parent()); !tenant.ok()) {
    return tenant.status();
  }
  const auto taken = TakePage(BindingsBelow(*snapshot, request.parent()), collection, *page);
  v1::ListRoleBindingsResponse response;
  for (const auto& binding : taken.items) *response.add_role_bindings() = ToMessage(*binding);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

absl::StatusOr<v1::DeleteRoleBindingResponse> RoleBindingService::Delete(
    const Caller& caller, const v1::DeleteRoleBindingRequest& request) const {
  const auto name = RoleBindingName::Parse(request.name());
  if (!name.ok()) return name.status();
  const auto snapshot = edge_.catalog->Get();
  if (absl::Status s = caller.Authorize(*snapshot, auth::Target{name->Parent()},
                                        auth::Verb::kManageBindings, request.name());
      !s.ok()) {
    return s;
  }
  const auto binding = catalog::FindBinding(*snapshot, request.name());
  if (binding == nullptr) return ResourceNotFound(request.name());
  if (!request.etag().empty() && request.etag() != Etag(binding->name, binding->mod_revision)) {
    return EtagMismatch(request.name());
  }
  auto transaction = catalog::DeleteBinding(*snapshot, *binding);
  if (!transaction.ok()) return transaction.status();
  v1::DeleteRoleBindingRequest resolved;
  resolved.set_name(request.name());
  const auto permit = Guard(edge_, caller, *snapshot,
                            {"sealward.v1.RoleBindingService/DeleteRoleBinding", binding->name,
                             Etag(binding->name, binding->mod_revision),
                             auth::Target{binding->tenant}, auth::Verb::kManageBindings, resolved});
  if (!permit.ok()) return permit.status();
  permit->AddTo(*transaction);
  if (const auto revision = edge_.Commit(*transaction); !revision.ok()) return revision.status();
  return v1::DeleteRoleBindingResponse();
}

}  // namespace sealward::api
