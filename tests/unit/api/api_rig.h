// The administrative API over real TLS, with clients of several roles.
#ifndef SEALWARD_TESTS_UNIT_API_API_RIG_H_
#define SEALWARD_TESTS_UNIT_API_API_RIG_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "server/api/approval_service.h"
#include "server/api/denied_certificate_service.h"
#include "server/api/edge.h"
#include "server/api/executor.h"
#include "server/api/issuer_service.h"
#include "server/api/key_service.h"
#include "server/api/lifecycle_service.h"
#include "server/api/operations_service.h"
#include "server/api/role_binding_service.h"
#include "server/api/signing_service.h"
#include "server/api/status_service.h"
#include "server/api/tenant_service.h"
#include "server/api/trust_domain_service.h"
#include "server/auth/identity_reader.h"
#include "server/signing/raw_signer.h"
#include "server/signing/signer.h"
#include "tests/fakes/key_rig.h"
#include "tests/fakes/recording_sink.h"
#include "tests/fakes/recording_timers.h"
#include "tests/unit/auth/test_certificates.h"

namespace sealward::api {

inline constexpr char kAdmin[] = "admin";
inline constexpr char kOperator[] = "operator";          // of the service
inline constexpr char kViewer[] = "viewer";              // of the service
inline constexpr char kTenantOperator[] = "a-operator";  // of tenants/a
inline constexpr char kTenantIssuer[] = "a-issuer";      // of tenants/a
inline constexpr char kStranger[] = "stranger";          // bound to nothing

inline std::string PrincipalOf(const std::string& who) { return "spiffe://test/" + who; }

// ErrorInfo.reason of a gRPC status; empty if it has no ErrorInfo.
inline std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details())) return "";
  for (const auto& any : details.details()) {
    if (any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info)) return info.reason();
  }
  return "";
}

// Whether a gRPC status says when to try again.
inline bool HasRetryInfo(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return false;
  for (const auto& any : details.details()) {
    if (any.Is<google::rpc::RetryInfo>()) return true;
  }
  return false;
}

// All that a caller can see of a status.
inline std::string BytesOf(const grpc::Status& status) {
  return absl::StrCat(status.error_code(), "|", status.error_message(), "|",
                      status.error_details());
}

// ApiRig is a server on 127.0.0.1 with tenants a and b; tenants/a has an issuer.
class ApiRig {
 public:
  explicit ApiRig(int executor_threads = 4, size_t queue = 64)
      : executor_(executor_threads, queue),
        replay_(*replay::ReplayLog::Open(keys.counted.get())),
        edge_{keys.catalog.get(), &keys.clock, &executor_, &identities_, &keys.metrics,
              &decisions,         nullptr,     nullptr,    replay_.get()},
        tenants_(edge_, &keys.partitions),
        issuers_(edge_, keys.manager.get(), "https://jwks.example"),
        key_service_(edge_, keys.manager.get()),
        route_({&keys.partitions, &keys.withheld, keys.epochs.get(), &keys.clock,
                [](const catalog::KeyVersion&) {}}),
        lifecycle_(edge_, {keys.manager.get(), keys.quarantine.get(), &signer_.live_jwts()}),
        bindings_(edge_),
        approvals_(edge_),
        trust_domains_(edge_, {}),
        denied_certificates_(edge_),
        operations_(edge_, {&alarms_, &lifecycle_clock, keys.epochs.get()}),
        status_(edge_,
                {"1.2.3", keys.clock.Now(), &keys.partitions, &keys.withheld, keys.epochs.get()}),
        signing_(edge_, &signer_, &raw_signer_, &limiter_, &timers) {
    keys.AddTenantAndIssuer();
    keys.AddTenant("tenants/b");
    Bind(kAdmin, "", v1::ROLE_ADMIN);
    Bind(kOperator, "", v1::ROLE_OPERATOR);
    Bind(kViewer, "", v1::ROLE_VIEWER);
    Bind(kTenantOperator, fakes::kTenant, v1::ROLE_OPERATOR);
    Bind(kTenantIssuer, fakes::kTenant, v1::ROLE_TOKEN_ISSUER);
    Listen();
  }
  ~ApiRig() {
    executor_.Stop();
    server_->Shutdown();
  }

  // Calls `method` of a service's stub as `who`.
  template <typename Service, typename Request, typename Response>
  grpc::Status Call(const std::string& who,
                    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    typename Service::Stub stub(ChannelOf(who));
    return (stub.*method)(&context, request, response);
  }

  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& who) {
    const absl::MutexLock lock(&channels_mu_);
    std::shared_ptr<grpc::Channel>& channel = channels_[who];
    if (channel != nullptr) return channel;
    const auth::IssuedCertificate identity = ca_.Issue({{"CN", who}}, {"URI:" + PrincipalOf(who)});
    fingerprints_[who] = auth::FingerprintOf(identity.certificate_pem);
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel = grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port_),
        grpc::SslCredentials({ca_.pem(), identity.private_key_pem, identity.certificate_pem}),
        arguments);
    return channel;
  }

  // Of the certificate with which `who` calls.
  std::string FingerprintOf(const std::string& who) {
    ChannelOf(who);
    return fingerprints_[who];
  }

  fakes::KeyRig keys;
  fakes::RecordingSink decisions;
  fakes::RecordingTimers timers;
  // How far the system's clock is from where it should be, for lifecycle_clock alone.
  absl::Duration clock_step;
  lifecycle::LifecycleClock lifecycle_clock{
      catalog::ClockMemory(), [this] {
        const absl::Time now = keys.clock.Now();
        return lifecycle::ClockReading{now + clock_step, now - absl::UnixEpoch(), "boot"};
      }};

 private:
  void Bind(const std::string& who, const std::string& tenant, v1::Role role) {
    const std::string parent = tenant.empty() ? "" : tenant + "/";
    keys.AddBinding(parent + "roleBindings/" + who, tenant, PrincipalOf(who), role);
  }

  void Listen() {
    const auth::IssuedCertificate identity = ca_.Issue({{"CN", "server"}}, {"DNS:localhost"});
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = ca_.pem();
    options.pem_key_cert_pairs.push_back({identity.private_key_pem, identity.certificate_pem});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    for (grpc::Service* service : std::initializer_list<grpc::Service*>{
             &tenants_, &issuers_, &key_service_, &lifecycle_, &bindings_, &approvals_,
             &trust_domains_, &denied_certificates_, &operations_, &status_, &signing_}) {
      builder.RegisterService(service);
    }
    server_ = builder.BuildAndStart();
  }

  auth::TestCa ca_;
  SystemClock system_clock_;  // certificates are made for the real time
  auth::IdentityReader identities_{{[this] { return keys.catalog->Get(); }, &system_clock_, {}, {}},
                                   {{"test", *auth::ParseBundle(ca_.pem(), {})}}};
  Executor executor_;
  std::unique_ptr<replay::ReplayLog> replay_;
  Edge edge_;
  TenantService tenants_;
  IssuerService issuers_;
  KeyService key_service_;
  signing::Route route_;
  signing::Signer signer_{&route_};
  signing::RawSigner raw_signer_{&route_};
  LifecycleService lifecycle_;
  RoleBindingService bindings_;
  ApprovalService approvals_;
  TrustDomainService trust_domains_;
  DeniedCertificateService denied_certificates_;
  alarms::AlarmWatch alarms_{
      {keys.catalog.get(), &keys.partitions, &keys.withheld, &lifecycle_clock, &keys.metrics}};
  OperationsService operations_;
  StatusService status_;
  quota::Limiter limiter_;
  SigningService signing_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex channels_mu_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_ ABSL_GUARDED_BY(channels_mu_);
  std::map<std::string, std::string> fingerprints_;
};

}  // namespace sealward::api

#endif  // SEALWARD_TESTS_UNIT_API_API_RIG_H_
