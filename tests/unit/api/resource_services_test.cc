// Tenants, issuers, role bindings and status over gRPC.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

using Tenants = v1::TenantService;
using Issuers = v1::IssuerService;
using Bindings = v1::RoleBindingService;

class ResourceServicesTest : public testing::Test {
 protected:
  grpc::Status CreateTenant(const std::string& id, v1::Tenant* tenant, bool validate_only = false) {
    v1::CreateTenantRequest request;
    request.set_tenant_id(id);
    request.mutable_tenant()->set_display_name("For people");
    request.set_validate_only(validate_only);
    return rig_.Call<Tenants>(kAdmin, &Tenants::Stub::CreateTenant, request, tenant);
  }
  grpc::Status CreateIssuer(const std::string& id, const std::string& url, v1::Issuer* issuer,
                            bool validate_only = false) {
    v1::CreateIssuerRequest request;
    request.set_parent(fakes::kTenant);
    request.set_issuer_id(id);
    request.mutable_issuer()->set_issuer_url(url);
    request.set_validate_only(validate_only);
    return rig_.Call<Issuers>(kAdmin, &Issuers::Stub::CreateIssuer, request, issuer);
  }
  grpc::Status Bind(const std::string& parent, const std::string& id, const std::string& principal,
                    v1::Role role, v1::RoleBinding* binding) {
    v1::CreateRoleBindingRequest request;
    request.set_parent(parent);
    request.set_role_binding_id(id);
    request.mutable_role_binding()->set_principal(principal);
    request.mutable_role_binding()->set_role(role);
    return rig_.Call<Bindings>(kAdmin, &Bindings::Stub::CreateRoleBinding, request, binding);
  }
  grpc::Status Unbind(const std::string& name, const std::string& etag = "") {
    v1::DeleteRoleBindingRequest request;
    request.set_name(name);
    request.set_etag(etag);
    v1::DeleteRoleBindingResponse response;
    return rig_.Call<Bindings>(kAdmin, &Bindings::Stub::DeleteRoleBinding, request, &response);
  }
  grpc::Status ListTenantsAs(const std::string& who) {
    v1::ListTenantsResponse response;
    return rig_.Call<Tenants>(who, &Tenants::Stub::ListTenants, v1::ListTenantsRequest(),
                              &response);
  }
  ApiRig rig_;
};

TEST_F(ResourceServicesTest, TenantsAreCreatedReadAndListed) {
  v1::Tenant created;
  ASSERT_TRUE(CreateTenant("c", &created).ok());
  EXPECT_EQ(created.name(), "tenants/c");
  EXPECT_EQ(created.display_name(), "For people");
  v1::GetTenantRequest get;
  get.set_name("tenants/c");
  v1::Tenant read;
  ASSERT_TRUE(rig_.Call<Tenants>(kViewer, &Tenants::Stub::GetTenant, get, &read).ok());
  EXPECT_EQ(read.SerializeAsString(), created.SerializeAsString());
  v1::ListTenantsRequest list;
  list.set_page_size(2);
  v1::ListTenantsResponse page;
  ASSERT_TRUE(rig_.Call<Tenants>(kViewer, &Tenants::Stub::ListTenants, list, &page).ok());
  ASSERT_EQ(page.tenants_size(), 2);
  EXPECT_EQ(page.tenants(0).name(), "tenants/a");
  list.set_page_token(page.next_page_token());
  ASSERT_TRUE(rig_.Call<Tenants>(kViewer, &Tenants::Stub::ListTenants, list, &page).ok());
  ASSERT_EQ(page.tenants_size(), 1);
  EXPECT_EQ(page.tenants(0).name(), "tenants/c");
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ResourceServicesTest, TenantsAreChecked) {
  v1::Tenant tenant;
  EXPECT_TRUE(CreateTenant("c", &tenant, /*validate_only=*/true).ok());
  EXPECT_EQ(tenant.etag(), "");
  EXPECT_FALSE(rig_.keys.catalog->Get()->tenants.contains("tenants/c"));
  EXPECT_EQ(ReasonOf(CreateTenant("a", &tenant)), "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(CreateTenant("A", &tenant)), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(CreateTenant("", &tenant)), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(CreateTenant("a/keys/b", &tenant)), "NAME_INVALID");
  v1::CreateTenantRequest request;
  request.set_tenant_id("d");
  request.mutable_tenant()->set_display_name(std::string(129, 'x'));
  EXPECT_EQ(ReasonOf(rig_.Call<Tenants>(kAdmin, &Tenants::Stub::CreateTenant, request, &tenant)),
            "DISPLAY_NAME_INVALID");
}

// Of many who create one tenant at once, one does; the others hear that it is there.
TEST_F(ResourceServicesTest, ConcurrentCreationsMakeOneTenant) {
  rig_.ChannelOf(kAdmin);
  std::vector<grpc::Status> statuses(8);
  std::vector<std::thread> threads;
  threads.reserve(statuses.size());
  for (grpc::Status& status : statuses) {
    threads.emplace_back([this, &status] {
      v1::Tenant tenant;
      status = CreateTenant("c", &tenant);
    });
  }
  for (std::thread& thread : threads) thread.join();
  int created = 0;
  for (const grpc::Status& status : statuses) {
    created += status.ok() ? 1 : 0;
    EXPECT_EQ(ReasonOf(status), status.ok() ? "" : "ALREADY_EXISTS");
  }
  EXPECT_EQ(created, 1);
}

TEST_F(ResourceServicesTest, IssuersOwnTheirUrl) {
  v1::Issuer issuer;
  ASSERT_TRUE(CreateIssuer("two", "https://two.example/x", &issuer).ok());
  EXPECT_EQ(issuer.name(), "tenants/a/issuers/two");
  EXPECT_EQ(issuer.jwks_uri(), "https://jwks.example/tenants/a/issuers/two/jwks.json");
  EXPECT_EQ(issuer.max_age().seconds(), 300);
  EXPECT_EQ(issuer.propagation_time().seconds(), 1260);
  const grpc::Status taken = CreateIssuer("three", "https://two.example/x", &issuer);
  EXPECT_EQ(taken.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(CreateIssuer("two", "https://new.example", &issuer)), "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(CreateIssuer("four", "http://a", &issuer)), "ISSUER_URL_INVALID");
  EXPECT_TRUE(CreateIssuer("five", "https://five.example", &issuer, true).ok());
  EXPECT_FALSE(rig_.keys.catalog->Get()->issuers.contains("tenants/a/issuers/five"));
  v1::ListIssuersRequest list;
  list.set_parent(fakes::kTenant);
  v1::ListIssuersResponse page;
  ASSERT_TRUE(rig_.Call<Issuers>(kTenantOperator, &Issuers::Stub::ListIssuers, list, &page).ok());
  EXPECT_EQ(page.issuers_size(), 2);
}

TEST_F(ResourceServicesTest, ABindingWorksUntilItIsDeleted) {
  EXPECT_FALSE(ListTenantsAs(kStranger).ok());
  v1::RoleBinding binding;
  ASSERT_TRUE(Bind("", "new", PrincipalOf(kStranger), v1::ROLE_VIEWER, &binding).ok());
  EXPECT_EQ(binding.name(), "roleBindings/new");
  EXPECT_TRUE(ListTenantsAs(kStranger).ok());
  const grpc::Status stale = Unbind("roleBindings/new", "stale");
  EXPECT_EQ(stale.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(stale), "ETAG_MISMATCH");
  EXPECT_TRUE(ListTenantsAs(kStranger).ok());
  EXPECT_TRUE(Unbind("roleBindings/new", binding.etag()).ok());
  EXPECT_FALSE(ListTenantsAs(kStranger).ok());
  EXPECT_EQ(ReasonOf(Unbind("roleBindings/new")), "NOT_FOUND");
}

TEST_F(ResourceServicesTest, BindingsAreChecked) {
  v1::RoleBinding binding;
  const std::string bob = PrincipalOf("bob");
  EXPECT_EQ(ReasonOf(Bind("tenants/a", "x", bob, v1::ROLE_ADMIN, &binding)), "ROLE_INVALID");
  EXPECT_EQ(ReasonOf(Bind("", "x", bob, v1::ROLE_TOKEN_ISSUER, &binding)), "ROLE_INVALID");
  EXPECT_EQ(ReasonOf(Bind("", "x", bob, v1::ROLE_UNSPECIFIED, &binding)), "ROLE_INVALID");
  EXPECT_EQ(ReasonOf(Bind("", "x", bob, static_cast<v1::Role>(77), &binding)), "ROLE_INVALID");
  EXPECT_EQ(ReasonOf(Bind("", "x", "bob", v1::ROLE_VIEWER, &binding)), "PRINCIPAL_INVALID");
  EXPECT_EQ(ReasonOf(Bind("", "X", bob, v1::ROLE_VIEWER, &binding)), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(Bind("tenants/", "x", bob, v1::ROLE_VIEWER, &binding)), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(Bind("tenants/none", "x", bob, v1::ROLE_VIEWER, &binding)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Bind("", "admin", bob, v1::ROLE_VIEWER, &binding)), "ALREADY_EXISTS");
}

TEST_F(ResourceServicesTest, BindingsAreListedByLevel) {
  v1::ListRoleBindingsRequest request;
  v1::ListRoleBindingsResponse page;
  ASSERT_TRUE(rig_.Call<Bindings>(kAdmin, &Bindings::Stub::ListRoleBindings, request, &page).ok());
  ASSERT_EQ(page.role_bindings_size(), 3);
  EXPECT_EQ(page.role_bindings(0).name(), "roleBindings/admin");
  request.set_parent(fakes::kTenant);
  ASSERT_TRUE(rig_.Call<Bindings>(kAdmin, &Bindings::Stub::ListRoleBindings, request, &page).ok());
  ASSERT_EQ(page.role_bindings_size(), 2);
  EXPECT_EQ(page.role_bindings(0).name(), "tenants/a/roleBindings/a-issuer");
}

// Without an admin nobody could ever grant anything again.
TEST_F(ResourceServicesTest, TheLastAdminStays) {
  const grpc::Status last = Unbind("roleBindings/admin");
  EXPECT_EQ(last.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(last), "LAST_ADMIN");
  v1::RoleBinding binding;
  ASSERT_TRUE(Bind("", "second", PrincipalOf("second"), v1::ROLE_ADMIN, &binding).ok());
  EXPECT_TRUE(Unbind("roleBindings/admin").ok());
  EXPECT_FALSE(ListTenantsAs(kAdmin).ok());
}

// One key's rights are given on that key alone.
TEST_F(ResourceServicesTest, BindingsAreMadeOnKeys) {
  ASSERT_TRUE(rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  v1::RoleBinding binding;
  ASSERT_TRUE(Bind(fakes::kKey, "signs", PrincipalOf("web"), v1::ROLE_TOKEN_ISSUER, &binding).ok());
  EXPECT_EQ(binding.name(), "tenants/a/keys/web/roleBindings/signs");
  const auto stored = catalog::FindBinding(*rig_.keys.catalog->Get(), binding.name());
  ASSERT_NE(stored, nullptr);
  EXPECT_EQ(stored->tenant, fakes::kTenant);
  EXPECT_EQ(stored->key, fakes::kKey);

  v1::ListRoleBindingsRequest list;
  v1::ListRoleBindingsResponse page;
  list.set_parent(fakes::kKey);
  ASSERT_TRUE(rig_.Call<Bindings>(kAdmin, &Bindings::Stub::ListRoleBindings, list, &page).ok());
  ASSERT_EQ(page.role_bindings_size(), 1);
  EXPECT_EQ(page.role_bindings(0).SerializeAsString(), binding.SerializeAsString());
  list.set_parent(fakes::kTenant);
  ASSERT_TRUE(rig_.Call<Bindings>(kAdmin, &Bindings::Stub::ListRoleBindings, list, &page).ok());
  for (const auto& each : page.role_bindings()) EXPECT_NE(each.name(), binding.name());

  EXPECT_EQ(ReasonOf(Bind(fakes::kKey, "signs", PrincipalOf("x"), v1::ROLE_VIEWER, &binding)),
            "ALREADY_EXISTS");
  EXPECT_EQ(ReasonOf(Bind("tenants/a/keys/none", "x", PrincipalOf("x"), v1::ROLE_VIEWER, &binding)),
            "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Bind("tenants/a/keys/", "x", PrincipalOf("x"), v1::ROLE_VIEWER, &binding)),
            "NAME_INVALID");
  EXPECT_TRUE(Unbind("tenants/a/keys/web/roleBindings/signs").ok());
  EXPECT_EQ(ReasonOf(Unbind("tenants/a/keys/web/roleBindings/signs")), "NOT_FOUND");
}

// A role that includes nothing where it is given would be a promise that is not
// kept; the refusal lists those that are.
TEST_F(ResourceServicesTest, RolesAreGivenWhereTheyMeanSomething) {
  ASSERT_TRUE(rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  int made = 0;
  const std::vector<std::pair<std::string, auth::Level>> levels = {
      {"", auth::Level::kService},
      {fakes::kTenant, auth::Level::kTenant},
      {fakes::kKey, auth::Level::kKey}};
  for (const auto& [parent, level] : levels) {
    for (int number = v1::Role_MIN; number <= v1::Role_MAX + 1; ++number) {
      const auto role = static_cast<v1::Role>(number);
      v1::RoleBinding binding;
      const grpc::Status status =
          Bind(parent, absl::StrCat("made-", ++made), PrincipalOf("x"), role, &binding);
      EXPECT_EQ(status.ok(), auth::RoleMeansSomething(role, level)) << parent << " " << number;
      if (!status.ok()) {
        EXPECT_EQ(ReasonOf(status), "ROLE_INVALID");
      }
    }
  }
  v1::RoleBinding binding;
  EXPECT_EQ(Bind(fakes::kKey, "x", PrincipalOf("x"), v1::ROLE_ADMIN, &binding).error_message(),
            "role_binding.role on a key must be one of: operator, token-issuer, viewer, auditor");
}

// A tenant's own admin gives out rights in the tenant, and none outside of it.
TEST_F(ResourceServicesTest, ATenantAdminBindsInItsTenantOnly) {
  ASSERT_TRUE(rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  rig_.keys.AddBinding("tenants/a/roleBindings/boss", fakes::kTenant, PrincipalOf("boss"),
                       v1::ROLE_TENANT_ADMIN);
  const auto bind = [this](const std::string& parent) {
    v1::CreateRoleBindingRequest request;
    request.set_parent(parent);
    request.set_role_binding_id("new");
    request.mutable_role_binding()->set_principal(PrincipalOf("x"));
    request.mutable_role_binding()->set_role(v1::ROLE_VIEWER);
    v1::RoleBinding binding;
    return rig_.Call<Bindings>("boss", &Bindings::Stub::CreateRoleBinding, request, &binding)
        .error_code();
  };
  EXPECT_EQ(bind(fakes::kTenant), grpc::StatusCode::OK);
  EXPECT_EQ(bind(fakes::kKey), grpc::StatusCode::OK);
  EXPECT_EQ(bind("tenants/a/keys/none"), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(bind(""), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(bind("tenants/b"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(bind("tenants/b/keys/web"), grpc::StatusCode::PERMISSION_DENIED);
}

// Auditors see who may do what, and change none of it.
TEST_F(ResourceServicesTest, AnAuditorReadsBindings) {
  rig_.keys.AddBinding("tenants/a/roleBindings/auditor", fakes::kTenant, PrincipalOf("auditor"),
                       v1::ROLE_AUDITOR);
  v1::GetRoleBindingRequest get;
  get.set_name("tenants/a/roleBindings/auditor");
  v1::RoleBinding binding;
  EXPECT_TRUE(rig_.Call<Bindings>("auditor", &Bindings::Stub::GetRoleBinding, get, &binding).ok());
  v1::ListRoleBindingsRequest list;
  list.set_parent(fakes::kTenant);
  v1::ListRoleBindingsResponse page;
  EXPECT_TRUE(rig_.Call<Bindings>("auditor", &Bindings::Stub::ListRoleBindings, list, &page).ok());
  v1::DeleteRoleBindingRequest remove;
  remove.set_name(get.name());
  v1::DeleteRoleBindingResponse removed;
  EXPECT_EQ(rig_.Call<Bindings>("auditor", &Bindings::Stub::DeleteRoleBinding, remove, &removed)
                .error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ResourceServicesTest, StatusTellsOfThePartition) {
  v1::GetServiceStatusResponse status;
  const auto get = [&](const std::string& who) {
    return rig_.Call<v1::StatusService>(who, &v1::StatusService::Stub::GetServiceStatus,
                                        v1::GetServiceStatusRequest(), &status);
  };
  ASSERT_TRUE(get(kViewer).ok());
  EXPECT_EQ(status.server_version(), "1.2.3");
  EXPECT_EQ(status.partition().label(), "fake");
  EXPECT_EQ(status.partition().alarm(), "");
  EXPECT_EQ(status.partition().processes_size(), 1);
  EXPECT_EQ(status.store_revision(), rig_.keys.catalog->Get()->revision);
  EXPECT_FALSE(get(kTenantOperator).ok());

  ASSERT_TRUE(rig_.keys.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  rig_.keys.partition.ReplaceKeyPair(rig_.keys.Key()->versions[0]->object_id);
  rig_.keys.driver->RunPass();
  ASSERT_TRUE(get(kViewer).ok());
  EXPECT_TRUE(absl::StrContains(status.partition().alarm(), "tenants/a/keys/web/versions/1"));
  EXPECT_EQ(status.partitions(0).SerializeAsString(), status.partition().SerializeAsString());
}

// An operator must see every partition, one that the configuration lost too.
TEST_F(ResourceServicesTest, StatusListsEveryPartition) {
  rig_.keys.AddTenant("tenants/c", "gone");
  rig_.keys.own_partition.SetAvailable(false);
  v1::GetServiceStatusResponse status;
  ASSERT_TRUE(rig_.Call<v1::StatusService>(kViewer, &v1::StatusService::Stub::GetServiceStatus,
                                           v1::GetServiceStatusRequest(), &status)
                  .ok());
  ASSERT_EQ(status.partitions_size(), 3);
  EXPECT_EQ(status.partition().name(), "default");
  EXPECT_EQ(status.partitions(0).name(), "default");
  EXPECT_EQ(status.partitions(1).name(), fakes::kOwnPartition);
  EXPECT_EQ(status.partitions(2).name(), "gone");
  EXPECT_TRUE(absl::StrContains(status.partitions(2).alarm(), "[partitions.gone]"));
}

TEST_F(ResourceServicesTest, ATenantIsBoundToAConfiguredPartition) {
  const auto create = [this](const std::string& id, const std::string& partition,
                             v1::Tenant* tenant) {
    v1::CreateTenantRequest request;
    request.set_tenant_id(id);
    request.mutable_tenant()->set_partition(partition);
    return rig_.Call<Tenants>(kAdmin, &Tenants::Stub::CreateTenant, request, tenant);
  };
  v1::Tenant tenant;
  ASSERT_TRUE(create("own", fakes::kOwnPartition, &tenant).ok());
  EXPECT_EQ(tenant.partition(), fakes::kOwnPartition);
  EXPECT_EQ(rig_.keys.catalog->Get()->tenants.at("tenants/own")->partition, fakes::kOwnPartition);
  for (const char* shared : {"", "default"}) {
    ASSERT_TRUE(create(absl::StrCat("shared", shared), shared, &tenant).ok());
    EXPECT_EQ(tenant.partition(), "");
  }
  for (const char* unknown : {"gone", "Default", "vault", "vault-b\n"}) {
    const grpc::Status status = create("x", unknown, &tenant);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << unknown;
    EXPECT_EQ(ReasonOf(status), "PARTITION_UNKNOWN");
  }
}

}  // namespace
}  // namespace sealward::api
