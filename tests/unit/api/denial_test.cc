// Strangers. If these break, somebody learns which tenants, keys or issuer URLs
// exist, or does what no role of theirs includes.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/api/api_rig.h"

namespace sealward::api {
namespace {

// One call of every administrative method about a given tenant.
using AnyCall = std::function<grpc::Status(ApiRig&, const std::string& who,
                                           const std::string& tenant, const std::string& id)>;

struct Method {
  std::string name;
  AnyCall call;
};

template <typename Service, typename Request, typename Response>
AnyCall MakeCall(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                 const std::function<Request(const std::string&, const std::string&)>& request) {
  return [method, request](ApiRig& rig, const std::string& who, const std::string& tenant,
                           const std::string& id) {
    Response response;
    return rig.Call<Service>(who, method, request(tenant, id), &response);
  };
}

template <typename Request>
std::function<Request(const std::string&, const std::string&)> Named(const std::string& middle) {
  return [middle](const std::string& tenant, const std::string& id) {
    Request request;
    request.set_name(tenant + middle + id);
    return request;
  };
}

template <typename Request>
Request Below(const std::string& tenant, const std::string&) {
  Request request;
  request.set_parent(tenant);
  return request;
}

std::vector<Method> TenantMethods() {
  using Keys = v1::KeyService;
  using Issuers = v1::IssuerService;
  using Bindings = v1::RoleBindingService;
  return {
      {"GetTenant", MakeCall<v1::TenantService, v1::GetTenantRequest, v1::Tenant>(
                        &v1::TenantService::Stub::GetTenant,
                        [](const std::string& tenant, const std::string&) {
                          v1::GetTenantRequest request;
                          request.set_name(tenant);
                          return request;
                        })},
      {"GetIssuer", MakeCall<Issuers, v1::GetIssuerRequest, v1::Issuer>(
                        &Issuers::Stub::GetIssuer, Named<v1::GetIssuerRequest>("/issuers/"))},
      {"ListIssuers", MakeCall<Issuers, v1::ListIssuersRequest, v1::ListIssuersResponse>(
                          &Issuers::Stub::ListIssuers, Below<v1::ListIssuersRequest>)},
      {"CreateIssuer", MakeCall<Issuers, v1::CreateIssuerRequest, v1::Issuer>(
                           &Issuers::Stub::CreateIssuer,
                           [](const std::string& tenant, const std::string& id) {
                             v1::CreateIssuerRequest request;
                             request.set_parent(tenant);
                             request.set_issuer_id(id);
                             request.mutable_issuer()->set_issuer_url(
                                 "https://issuer.example/tenants/a/issuers/main");  // taken
                             return request;
                           })},
      {"GetKey", MakeCall<Keys, v1::GetKeyRequest, v1::Key>(&Keys::Stub::GetKey,
                                                            Named<v1::GetKeyRequest>("/keys/"))},
      {"ListKeys", MakeCall<Keys, v1::ListKeysRequest, v1::ListKeysResponse>(
                       &Keys::Stub::ListKeys, Below<v1::ListKeysRequest>)},
      {"CreateKey", MakeCall<Keys, v1::CreateKeyRequest, v1::Key>(
                        &Keys::Stub::CreateKey,
                        [](const std::string& tenant, const std::string& id) {
                          v1::CreateKeyRequest request;
                          request.set_parent(tenant);
                          request.set_key_id(id);
                          return request;
                        })},
      {"RotateKey", MakeCall<Keys, v1::RotateKeyRequest, v1::RotateKeyResponse>(
                        &Keys::Stub::RotateKey, Named<v1::RotateKeyRequest>("/keys/"))},
      {"GetKeyVersion", MakeCall<Keys, v1::GetKeyVersionRequest, v1::KeyVersion>(
                            &Keys::Stub::GetKeyVersion,
                            [](const std::string& tenant, const std::string& id) {
                              v1::GetKeyVersionRequest request;
                              request.set_name(tenant + "/keys/" + id + "/versions/1");
                              return request;
                            })},
      {"ListKeyVersions", MakeCall<Keys, v1::ListKeyVersionsRequest, v1::ListKeyVersionsResponse>(
                              &Keys::Stub::ListKeyVersions,
                              [](const std::string& tenant, const std::string& id) {
                                v1::ListKeyVersionsRequest request;
                                request.set_parent(tenant + "/keys/" + id);
                                return request;
                              })},
      {"CreateRoleBinding", MakeCall<Bindings, v1::CreateRoleBindingRequest, v1::RoleBinding>(
                                &Bindings::Stub::CreateRoleBinding,
                                [](const std::string& tenant, const std::string& id) {
                                  v1::CreateRoleBindingRequest request;
                                  request.set_parent(tenant);
                                  request.set_role_binding_id(id);
                                  return request;
                                })},
      {"GetRoleBinding",
       MakeCall<Bindings, v1::GetRoleBindingRequest, v1::RoleBinding>(
           &Bindings::Stub::GetRoleBinding, Named<v1::GetRoleBindingRequest>("/roleBindings/"))},
      {"ListRoleBindings",
       MakeCall<Bindings, v1::ListRoleBindingsRequest, v1::ListRoleBindingsResponse>(
           &Bindings::Stub::ListRoleBindings, Below<v1::ListRoleBindingsRequest>)},
      {"DeleteRoleBinding",
       MakeCall<Bindings, v1::DeleteRoleBindingRequest, v1::DeleteRoleBindingResponse>(
           &Bindings::Stub::DeleteRoleBinding,
           Named<v1::DeleteRoleBindingRequest>("/roleBindings/"))},
      {"ListRoleBindings of a key",
       MakeCall<Bindings, v1::ListRoleBindingsRequest, v1::ListRoleBindingsResponse>(
           &Bindings::Stub::ListRoleBindings,
           [](const std::string& tenant, const std::string& id) {
             return Below<v1::ListRoleBindingsRequest>(tenant + "/keys/" + id, "");
           })},
  };
}

// The methods of the signing listener, which deny even those who may know.
std::vector<Method> SigningMethods() {
  using Signing = v1::SigningService;
  const auto keyed = [](auto request) {
    return [request](const std::string& tenant, const std::string& id) mutable {
      request.set_key(tenant + "/keys/" + id);
      return request;
    };
  };
  return {
      {"SignJwt", MakeCall<Signing, v1::SignJwtRequest, v1::SignJwtResponse>(
                      &Signing::Stub::SignJwt, keyed(v1::SignJwtRequest()))},
      {"GetSigningKey", MakeCall<Signing, v1::GetSigningKeyRequest, v1::SigningKey>(
                            &Signing::Stub::GetSigningKey, keyed(v1::GetSigningKeyRequest()))},
  };
}

std::vector<Method> AllMethods() {
  std::vector<Method> all = TenantMethods();
  for (Method& method : SigningMethods()) all.push_back(std::move(method));
  return all;
}

class DenialTest : public testing::Test {
 protected:
  DenialTest() {
    EXPECT_TRUE(
        rig_.keys.manager
            ->CreateKey(fakes::KeyRig::NewKey("tenants/a/keys/main"), absl::InfiniteFuture())
            .ok());
    rig_.keys.AddBinding("tenants/a/roleBindings/main", fakes::kTenant, PrincipalOf("x"),
                         v1::ROLE_VIEWER);
  }
  ApiRig rig_;
};

// The same bytes for what exists and what does not, from every method.
TEST_F(DenialTest, NotYoursAndNotThereAreTheSameBytes) {
  rig_.keys.AddBinding("tenants/b/roleBindings/b", "tenants/b", PrincipalOf("b-operator"),
                       v1::ROLE_OPERATOR);
  std::set<std::string> answers;
  for (const std::string who : {kStranger, "b-operator"}) {
    for (const Method& method : AllMethods()) {
      for (const char* tenant : {"tenants/a", "tenants/none"}) {
        for (const char* id : {"main", "none"}) {
          const grpc::Status status = method.call(rig_, who, tenant, id);
          EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
              << who << " " << method.name << " " << tenant << " " << id;
          answers.insert(BytesOf(status));
        }
      }
    }
  }
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_FALSE(answers.begin()->find("tenants/") != std::string::npos);
}

// A denial that asked the store would tell by its time, and by the store's load,
// what is there. The snapshot answers them all.
TEST_F(DenialTest, DenialsReadTheStoreAlike) {
  for (const Method& method : AllMethods()) {
    for (const char* tenant : {"tenants/a", "tenants/none"}) {
      for (const char* id : {"main", "none"}) {
        const int64_t before = rig_.keys.counted->calls();
        EXPECT_FALSE(method.call(rig_, kStranger, tenant, id).ok());
        EXPECT_EQ(rig_.keys.counted->calls(), before) << method.name << " " << tenant << " " << id;
      }
    }
  }
  // The counter counts.
  const int64_t before = rig_.keys.counted->calls();
  rig_.keys.AddTenant("tenants/counted");
  EXPECT_GT(rig_.keys.counted->calls(), before);
}

// A key that is not there is denied to whoever may sign in its tenant, too: who
// signs is told of names by whoever made them.
TEST_F(DenialTest, SigningWithWhatIsNotThereIsDeniedAlike) {
  std::set<std::string> answers;
  for (const Method& method : SigningMethods()) {
    for (const char* tenant : {"tenants/a", "tenants/b", "tenants/none", "", "tenants/a/keys/x"}) {
      answers.insert(BytesOf(method.call(rig_, kTenantIssuer, tenant, "none")));
    }
  }
  v1::ListTenantsResponse response;
  answers.insert(BytesOf(rig_.Call<v1::TenantService>(
      kStranger, &v1::TenantService::Stub::ListTenants, v1::ListTenantsRequest(), &response)));
  EXPECT_EQ(answers.size(), 1U);
}

// What is wrong with a name is the caller's own words: a stranger hears it as an
// admin does, whoever owns what stands in it.
TEST_F(DenialTest, AMalformedNameIsAnsweredAlikeToEverybody) {
  for (const std::string middle : {"/keys/", "//keys/", "/roleBindings/"}) {
    const auto ask = [&](const std::string& who, const std::string& tenant) {
      v1::GetKeyRequest request;
      request.set_name(tenant + middle + "Main");
      v1::Key key;
      return rig_.Call<v1::KeyService>(who, &v1::KeyService::Stub::GetKey, request, &key);
    };
    EXPECT_EQ(ReasonOf(ask(kStranger, "tenants/a")), "NAME_INVALID");
    EXPECT_EQ(BytesOf(ask(kStranger, "tenants/a")), BytesOf(ask(kAdmin, "tenants/a")));
    EXPECT_EQ(ask(kStranger, "tenants/none").error_code(),
              ask(kAdmin, "tenants/none").error_code());
  }
}

// A token issuer signs, and reads nothing on the admin listener.
TEST_F(DenialTest, ATokenIssuerAdministersNothing) {
  for (const Method& method : TenantMethods()) {
    EXPECT_EQ(method.call(rig_, kTenantIssuer, "tenants/a", "main").error_code(),
              grpc::StatusCode::PERMISSION_DENIED)
        << method.name;
  }
}

TEST_F(DenialTest, OnlyServiceAdminsManageTenantsIssuersAndBindings) {
  for (const std::string who : {kOperator, kViewer, kTenantOperator}) {
    for (const Method& method : TenantMethods()) {
      if (method.name != "CreateIssuer" && method.name.find("Binding") == std::string::npos) {
        continue;
      }
      EXPECT_EQ(method.call(rig_, who, "tenants/a", "main").error_code(),
                grpc::StatusCode::PERMISSION_DENIED)
          << who << " " << method.name;
    }
    v1::CreateTenantRequest request;
    request.set_tenant_id("a");
    v1::Tenant tenant;
    EXPECT_EQ(
        rig_.Call<v1::TenantService>(who, &v1::TenantService::Stub::CreateTenant, request, &tenant)
            .error_code(),
        grpc::StatusCode::PERMISSION_DENIED);
  }
}

TEST_F(DenialTest, WhoeverMayLookIsToldWhatIsNotThere) {
  for (const Method& method : TenantMethods()) {
    if (method.name.find("Create") == 0) continue;
    const grpc::Status none = method.call(rig_, kAdmin, "tenants/none", "none");
    EXPECT_EQ(none.error_code(), grpc::StatusCode::NOT_FOUND) << method.name;
    EXPECT_EQ(ReasonOf(none), "NOT_FOUND") << method.name;
  }
}

TEST_F(DenialTest, RefusalsAreCounted) {
  v1::ListTenantsResponse response;
  EXPECT_FALSE(rig_.Call<v1::TenantService>(kStranger, &v1::TenantService::Stub::ListTenants,
                                            v1::ListTenantsRequest(), &response)
                   .ok());
  EXPECT_NE(rig_.keys.metrics.Text().find("sealward_denied_total{verb=\"tenants.list\"} 1"),
            std::string::npos);
}

}  // namespace
}  // namespace sealward::api
