// ApiRig with short ways to ask the lifecycle service about tenants/a/keys/web.
#ifndef SEALWARD_TESTS_UNIT_API_LIFECYCLE_RIG_H_
#define SEALWARD_TESTS_UNIT_API_LIFECYCLE_RIG_H_

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/policy.h"
#include "tests/unit/api/api_rig.h"

namespace sealward::api {

using Lifecycle = v1::LifecycleService;

inline constexpr absl::Duration kDay = absl::Hours(24);

// A fixture with one key, rotated every 30 days, and its driver run by hand.
class LifecycleRig : public testing::Test {
 protected:
  LifecycleRig() {
    lifecycle::NewKey key = fakes::KeyRig::NewKey();
    lifecycle::RotationPolicy policy;
    policy.rotation_period = 30 * kDay;
    policy.max_signing_time = absl::ZeroDuration();
    policy.max_standby_time = absl::ZeroDuration();
    policy.destroy_after = absl::ZeroDuration();
    key.rotation_policy = lifecycle::WithDefaults(policy);
    EXPECT_TRUE(rig_.keys.manager->CreateKey(key, absl::InfiniteFuture()).ok());
  }

  // Until the successor is STANDBY.
  void MakeStandby() {
    Pass();
    rig_.keys.clock.Advance(fakes::kPropagation);
    EXPECT_EQ(rig_.keys.States(), "ACTIVE STANDBY");
  }
  void Pass() {
    for (int i = 0; i < 5; ++i) rig_.keys.driver->RunPass();
  }

  static std::string Version(int number) { return absl::StrCat(fakes::kKey, "/versions/", number); }

  template <typename Request, typename Response>
  grpc::Status Ask(grpc::Status (Lifecycle::Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                   const Request& request, Response* response, const char* who = kTenantOperator) {
    return rig_.Call<Lifecycle>(who, method, request, response);
  }

  // One of the requests that name a version and nothing else.
  template <typename Request>
  grpc::Status AskVersion(grpc::Status (Lifecycle::Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, v1::KeyVersion*),
                          int number, const char* who = kTenantOperator,
                          const std::string& etag = "") {
    Request request;
    request.set_name(Version(number));
    request.set_etag(etag);
    return Ask(method, request, &version_, who);
  }

  grpc::Status Pause(absl::Duration duration, const std::string& reason = "freeze",
                     const std::string& etag = "") {
    v1::PauseKeyRequest request;
    request.set_name(fakes::kKey);
    request.set_reason(reason);
    request.set_etag(etag);
    request.mutable_duration()->set_seconds(absl::ToInt64Seconds(duration));
    return Ask(&Lifecycle::Stub::PauseKey, request, &key_);
  }
  grpc::Status Resume() {
    v1::ResumeKeyRequest request;
    request.set_name(fakes::kKey);
    return Ask(&Lifecycle::Stub::ResumeKey, request, &key_);
  }

  grpc::Status Revoke(const std::string& name, bool activate_unready = false, bool preview = false,
                      const char* who = kTenantOperator) {
    v1::RevokeRequest request;
    request.set_name(name);
    request.set_reason(v1::REVOCATION_REASON_KEY_COMPROMISE);
    request.set_activate_unready(activate_unready);
    request.set_validate_only(preview);
    return Ask(&Lifecycle::Stub::Revoke, request, &revoked_, who);
  }

  ApiRig rig_;
  v1::KeyVersion version_;
  v1::Key key_;
  v1::RevokeResponse revoked_;
};

}  // namespace sealward::api

#endif  // SEALWARD_TESTS_UNIT_API_LIFECYCLE_RIG_H_
