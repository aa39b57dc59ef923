#include "server/api/role_binding_service.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "server/api/answer.h"
#include "server/api/approval_gate.h"
#include "server/api/conversion.h"
#include "server/api/etag.h"
#include "server/api/paging.h"
#include "server/api/resource_rules.h"
#include "server/api/role_binding_rules.h"
#include "server/auth/principal.h"
#include "server/catalog/access_mutations.h"

namespace sealward::api {
namespace {

using BindingPtr = std::shared_ptr<const catalog::RoleBinding>;

std::string Collection(absl::string_view parent) {
  return parent.empty() ? "roleBindings" : absl::StrCat(parent, "/roleBindings");
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

// NOT_FOUND for a tenant or key that is not there. REQUIRES: the caller may know.
absl::Status CheckParentExists(const catalog::Snapshot& snapshot, const BindingParent& parent) {
  const bool missing = (!parent.tenant.empty() && !snapshot.tenants.contains(parent.tenant)) ||
                       (!parent.key.empty() && !snapshot.keys.contains(parent.key));
  return missing ? ResourceNotFound(parent.name) : absl::OkStatus();
}

// The bindings made on `parent` itself.
std::vector<BindingPtr> BindingsOn(const catalog::Snapshot& snapshot, const BindingParent& parent) {
  std::vector<BindingPtr> bindings;
  for (const auto& [principal, theirs] : snapshot.bindings) {
    for (const BindingPtr& binding : theirs) {
      if (binding->tenant == parent.tenant && binding->key == parent.key) {
        bindings.push_back(binding);
      }
    }
  }
  return bindings;
}

// The binding of that name, for a caller who may do `verb` with it.
absl::StatusOr<BindingPtr> Find(const Caller& caller, const catalog::Snapshot& snapshot,
                                const std::string& name, auth::Verb verb) {
  const auto parsed = RoleBindingName::Parse(name);
  if (!parsed.ok()) return parsed.status();
  const BindingParent parent = BindingParentOf(*parsed);
  if (absl::Status s = caller.Authorize(snapshot, parent.target(), verb, name); !s.ok()) return s;
  auto binding = catalog::FindBinding(snapshot, name);
  if (binding == nullptr) return ResourceNotFound(name);
  return binding;
}

}  // namespace

grpc::ServerUnaryReactor* RoleBindingService::CreateRoleBinding(
    grpc::CallbackServerContext* context, const v1::CreateRoleBindingRequest* request,
    v1::RoleBinding* response) {
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
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
  return AnswerLater(edge_, context, request, response, [this, request](const Caller& caller) {
    return DecideAgain([&] { return Delete(caller, *request); });
  });
}

// The binding that `request` asks for, checked; nothing is changed yet.
absl::StatusOr<catalog::RoleBinding> RoleBindingService::Check(
    const Caller& caller, const catalog::Snapshot& snapshot,
    const v1::CreateRoleBindingRequest& request) const {
  const auto parent = ParseBindingParent(request.parent());
  if (!parent.ok()) return parent.status();
  catalog::RoleBinding binding;
  binding.name = absl::StrCat(Collection(parent->name), "/", request.role_binding_id());
  if (absl::Status s =
          caller.Authorize(snapshot, parent->target(), auth::Verb::kManageBindings, binding.name);
      !s.ok()) {
    return s;
  }
  binding.tenant = parent->tenant;
  binding.key = parent->key;
  binding.principal = request.role_binding().principal();
  binding.role = request.role_binding().role();
  binding.create_time = edge_.Now();
  if (absl::Status s = CheckResourceId("role_binding_id", request.role_binding_id()); !s.ok()) {
    return s;
  }
  if (absl::Status s = auth::ValidatePrincipal(binding.principal); !s.ok()) return s;
  if (absl::Status s = CheckRole(binding.role, parent->level()); !s.ok()) return s;
  if (absl::Status s = CheckParentExists(snapshot, *parent); !s.ok()) return s;
  if (catalog::FindBinding(snapshot, binding.name) != nullptr) {
    return ResourceExists(binding.name);
  }
  return binding;
}

absl::StatusOr<v1::RoleBinding> RoleBindingService::Create(
    const Caller& caller, const v1::CreateRoleBindingRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  auto binding = Check(caller, *snapshot, request);
  if (absl::IsAlreadyExists(binding.status())) {
    const std::string name = absl::StrCat(Collection(ParseBindingParent(request.parent())->name),
                                          "/", request.role_binding_id());
    const auto found = catalog::FindBinding(*snapshot, name);
    if (caller.MadeBefore(found->create_time)) return ToMessage(*found);
  }
  if (!binding.ok()) return binding.status();
  if (request.validate_only()) {
    caller.NothingIsDone();
    return ToMessage(*binding);
  }
  const auto permit = Guard(edge_, caller, *snapshot,
                            {"sealward.v1.RoleBindingService/CreateRoleBinding", binding->name, "",
                             auth::Target{binding->tenant, binding->key},
                             auth::Verb::kManageBindings, Resolved(request)});
  if (!permit.ok()) return permit.status();
  const catalog::Tenant* tenant =
      binding->tenant.empty() ? nullptr : snapshot->tenants.at(binding->tenant).get();
  store::Transaction transaction = catalog::CreateBinding(tenant, *binding);
  permit->AddTo(transaction);
  const auto revision = edge_.Commit(transaction);
  if (!revision.ok()) return revision.status();
  binding->mod_revision = *revision;
  return ToMessage(*binding);
}

absl::StatusOr<v1::RoleBinding> RoleBindingService::Get(
    const Caller& caller, const v1::GetRoleBindingRequest& request) const {
  const auto binding =
      Find(caller, *edge_.catalog->Get(), request.name(), auth::Verb::kReadBindings);
  if (!binding.ok()) return binding.status();
  return ToMessage(**binding);
}

absl::StatusOr<v1::ListRoleBindingsResponse> RoleBindingService::List(
    const Caller& caller, const v1::ListRoleBindingsRequest& request) const {
  const auto parent = ParseBindingParent(request.parent());
  if (!parent.ok()) return parent.status();
  const auto snapshot = edge_.catalog->Get();
  const std::string collection = Collection(parent->name);
  if (absl::Status s =
          caller.Authorize(*snapshot, parent->target(), auth::Verb::kReadBindings, collection);
      !s.ok()) {
    return s;
  }
  const auto page = ParsePageRequest(collection, request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  if (absl::Status s = CheckParentExists(*snapshot, *parent); !s.ok()) return s;
  const auto taken = TakePage(BindingsOn(*snapshot, *parent), collection, *page);
  v1::ListRoleBindingsResponse response;
  for (const auto& binding : taken.items) *response.add_role_bindings() = ToMessage(*binding);
  response.set_next_page_token(taken.next_page_token);
  return response;
}

absl::StatusOr<v1::DeleteRoleBindingResponse> RoleBindingService::Delete(
    const Caller& caller, const v1::DeleteRoleBindingRequest& request) const {
  const auto snapshot = edge_.catalog->Get();
  const auto binding = Find(caller, *snapshot, request.name(), auth::Verb::kManageBindings);
  if (!binding.ok()) return binding.status();
  if (!request.etag().empty() &&
      request.etag() != Etag((*binding)->name, (*binding)->mod_revision)) {
    return EtagMismatch(request.name());
  }
  auto transaction = catalog::DeleteBinding(*snapshot, **binding);
  if (!transaction.ok()) return transaction.status();
  v1::DeleteRoleBindingRequest resolved;
  resolved.set_name(request.name());
  const auto permit = Guard(
      edge_, caller, *snapshot,
      {"sealward.v1.RoleBindingService/DeleteRoleBinding", (*binding)->name,
       Etag((*binding)->name, (*binding)->mod_revision),
       auth::Target{(*binding)->tenant, (*binding)->key}, auth::Verb::kManageBindings, resolved});
  if (!permit.ok()) return permit.status();
  permit->AddTo(*transaction);
  if (const auto revision = edge_.Commit(*transaction); !revision.ok()) return revision.status();
  return v1::DeleteRoleBindingResponse();
}

}  // namespace sealward::api
