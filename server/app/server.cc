#include "server/app/server.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/api/approval_service.h"
#include "server/api/edge.h"
#include "server/api/executor.h"
#include "server/api/issuer_service.h"
#include "server/api/key_service.h"
#include "server/api/role_binding_service.h"
#include "server/api/signing_service.h"
#include "server/api/status_service.h"
#include "server/api/tenant_service.h"
#include "server/app/grpc_listener.h"
#include "server/app/hsm_events.h"
#include "server/app/public_listener.h"
#include "server/app/tls_keeper.h"
#include "server/auth/decision.h"
#include "server/catalog/catalog.h"
#include "server/decisions/aggregator.h"
#include "server/decisions/log_sink.h"
#include "server/hsm_client/process_partition.h"
#include "server/lifecycle/driver.h"
#include "server/lifecycle/key_manager.h"
#include "server/lifecycle/reconcile.h"
#include "server/publish/https_server.h"
#include "server/publish/routes.h"
#include "server/signing/signer.h"
#include "server/store/sqlite_store.h"
#include "server/telemetry/logging.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// Parts in the order in which they are made; each may use those above it.
struct Server::Parts {
  explicit Parts(const Clock* clock_in) : clock(clock_in), metrics(SEALWARD_VERSION) {}

  const Clock* const clock;
  const absl::Time start_time = clock->Now();
  telemetry::Metrics metrics;
  std::unique_ptr<store::SqliteStore> store;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<TlsKeeper> tls;
  std::unique_ptr<hsm_client::ProcessPartition> partition;
  std::unique_ptr<PublicListener> https;
  std::unique_ptr<publish::HttpsServer> metrics_https;

  lifecycle::Withheld withheld;
  std::unique_ptr<lifecycle::KeyManager> keys;
  std::unique_ptr<lifecycle::Driver> driver;
  std::unique_ptr<signing::Signer> signer;

  decisions::LogSink decision_log;
  decisions::Aggregator decisions{&decision_log, clock};
  std::unique_ptr<api::Executor> executor;
  api::Edge edge;
  std::unique_ptr<api::TenantService> tenant_service;
  std::unique_ptr<api::IssuerService> issuer_service;
  std::unique_ptr<api::KeyService> key_service;
  std::unique_ptr<api::RoleBindingService> role_binding_service;
  std::unique_ptr<api::ApprovalService> approval_service;
  std::unique_ptr<api::StatusService> status_service;
  // A gRPC service belongs to one listener.
  std::unique_ptr<api::SigningService> signing_service;
  std::unique_ptr<api::SigningService> admin_signing_service;

  std::unique_ptr<GrpcListener> signing_listener;
  std::unique_ptr<GrpcListener> admin_listener;
  bool hsm_ready = false;
  std::string hsm_alarm;

  absl::Status OpenStore(const Config& config);
  absl::Status OpenTls(const Config& config);
  void StartPartition(const Config& config);
  absl::Status StartHttps(const Config& config);
  absl::Status StartMetrics(const Config& config);
  void MakeLifecycle();
  void MakeServices();
  absl::Status StartGrpc(const Config& config);
  void WaitForHsm();
  void Stop();
};

namespace {

std::unique_ptr<hsm_client::Connector> MakeConnector(const Config::Hsm& hsm) {
  return hsm.sockets.empty() ? hsm_client::MakeSpawnConnector(hsm.binary, hsm.partition)
                             : hsm_client::MakeSocketConnector(hsm.sockets);
}

}  // namespace

absl::Status Server::Parts::OpenStore(const Config& config) {
  auto opened =
      store::SqliteStore::Open(config.store.path, store::SqliteStore::Mode::kExisting, clock);
  if (!opened.ok()) return opened.status();
  store = *std::move(opened);
  auto loaded = catalog::Catalog::Load(store.get());
  if (!loaded.ok()) return loaded.status();
  catalog = *std::move(loaded);
  return absl::OkStatus();
}

absl::Status Server::Parts::OpenTls(const Config& config) {
  auto opened = TlsKeeper::Open(config, {catalog.get(), clock, &metrics});
  if (!opened.ok()) return opened.status();
  tls = *std::move(opened);
  return absl::OkStatus();
}

void Server::Parts::StartPartition(const Config& config) {
  hsm_client::ProcessPartition::Options options;
  options.connector = MakeConnector(config.hsm);
  options.processes = config.hsm.sockets.empty() ? config.hsm.processes
                                                 : static_cast<int>(config.hsm.sockets.size());
  options.clock = clock;
  options.on_event = [this](const hsm_client::PartitionEvent& event) {
    RecordHsmEvent(event, metrics);
  };
  partition = hsm_client::ProcessPartition::Start(std::move(options));
}

absl::Status Server::Parts::StartHttps(const Config& config) {
  auto started = PublicListener::Start(config.https, catalog.get(), &metrics, clock,
                                       [this] { return partition->Health(); });
  if (!started.ok()) return started.status();
  https = *std::move(started);
  return absl::OkStatus();
}

absl::Status Server::Parts::StartMetrics(const Config& config) {
  if (config.metrics.listen.empty()) return absl::OkStatus();
  publish::HttpsOptions options;
  options.listen = config.metrics.listen;
  options.certificate_path = config.https.certificate;
  options.private_key_path = config.https.private_key;
  options.client_ca_pem = tls->ClientCas();
  options.principal_of = [this](absl::string_view pem,
                                absl::string_view chain_pem) -> absl::StatusOr<std::string> {
    auto identity = tls->identities()->Check(pem, chain_pem);
    if (!identity.ok()) return identity.status();
    return (*identity)->principal;
  };
  publish::MetricsRoutes routes;
  routes.allowed = [this](absl::string_view principal) {
    return auth::Decide(*catalog->Get(), principal, auth::Target{}, auth::Verb::kReadMetrics)
        .allowed;
  };
  routes.text = [this] {
    UpdateHsmGauges(*partition, metrics);
    return metrics.Text();
  };
  auto started = publish::HttpsServer::Start(std::move(options),
                                             publish::MakeMetricsHandler(std::move(routes)), clock);
  if (!started.ok()) return started.status();
  metrics_https = *std::move(started);
  return absl::OkStatus();
}

void Server::Parts::MakeLifecycle() {
  keys = std::make_unique<lifecycle::KeyManager>(
      lifecycle::KeyManager::Options{catalog.get(), partition.get(), clock, &metrics});
  driver = std::make_unique<lifecycle::Driver>(lifecycle::Driver::Options{
      keys.get(), catalog.get(), partition.get(), clock, &metrics, &withheld});
  signer = std::make_unique<signing::Signer>(signing::Signer::Dependencies{
      partition.get(), &withheld, clock, [this](const catalog::KeyVersion& version) {
        metrics.CountVerifyFailure();
        metrics.CountAlarm("signature_invalid");
        telemetry::Log(telemetry::Level::kError, "signature_invalid", {{"kid", version.jwk.kid()}});
      }});
}

void Server::Parts::MakeServices() {
  executor = std::make_unique<api::Executor>();
  decisions.Start();
  edge = api::Edge{catalog.get(), clock, executor.get(), tls->identities(), &metrics, &decisions};
  tenant_service = std::make_unique<api::TenantService>(edge);
  issuer_service = std::make_unique<api::IssuerService>(edge, https->public_url());
  key_service = std::make_unique<api::KeyService>(edge, keys.get());
  role_binding_service = std::make_unique<api::RoleBindingService>(edge);
  approval_service = std::make_unique<api::ApprovalService>(edge);
  status_service = std::make_unique<api::StatusService>(
      edge, api::StatusService::Sources{SEALWARD_VERSION, start_time, partition.get(), &withheld});
  signing_service = std::make_unique<api::SigningService>(edge, signer.get());
  admin_signing_service = std::make_unique<api::SigningService>(edge, signer.get());
}

absl::Status Server::Parts::StartGrpc(const Config& config) {
  const auto credentials = tls->GrpcCredentials();
  auto signing = GrpcListener::Start(
      {"signing", config.grpc.signing_listen, {signing_service.get()}, false}, credentials);
  if (!signing.ok()) return signing.status();
  signing_listener = *std::move(signing);
  auto admin = GrpcListener::Start(
      {"admin",
       config.grpc.admin_listen,
       {tenant_service.get(), issuer_service.get(), key_service.get(), role_binding_service.get(),
        approval_service.get(), status_service.get(), admin_signing_service.get()},
       true},
      credentials);
  if (!admin.ok()) return admin.status();
  admin_listener = *std::move(admin);
  return absl::OkStatus();
}

void Server::Parts::WaitForHsm() {
  const absl::Status ready = partition->WaitForFirstProcess();
  hsm_ready = ready.ok();
  hsm_alarm = std::string(ready.message());
  if (!hsm_ready) {
    telemetry::Log(telemetry::Level::kError, "serving_without_hsm", {{"reason", hsm_alarm}});
  }
  driver->Start();
}

void Server::Parts::Stop() {
  const absl::Time deadline = absl::Now() + kStopTimeout;
  if (signing_listener) signing_listener->Stop(absl::ToChronoTime(deadline));
  if (admin_listener) admin_listener->Stop(absl::ToChronoTime(deadline));
  if (tls) tls->Stop();
  if (executor) executor->Stop();
  if (partition) {
    const auto left = absl::ToChronoMilliseconds(deadline - absl::Now());
    partition->Stop(std::chrono::steady_clock::now() + left);
  }
  decisions.Stop();
  if (driver) driver->Stop();
  if (metrics_https) metrics_https->Stop(kStopTimeout);
  if (https) https->Stop(kStopTimeout);
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { Stop(); }

void Server::Stop() { parts_->Stop(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config, const Clock* clock) {
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(clock)));
  Parts& parts = *server->parts_;
  if (absl::Status status = parts.OpenStore(config); !status.ok()) return status;
  if (absl::Status status = parts.OpenTls(config); !status.ok()) return status;
  parts.StartPartition(config);
  if (absl::Status status = parts.StartHttps(config); !status.ok()) return status;
  if (absl::Status status = parts.StartMetrics(config); !status.ok()) return status;
  parts.MakeLifecycle();
  parts.MakeServices();
  if (absl::Status status = parts.StartGrpc(config); !status.ok()) return status;
  parts.tls->Start(parts.https->server(), parts.metrics_https.get());
  parts.WaitForHsm();
  return server;
}

ReadyInfo Server::Info() const {
  ReadyInfo info;
  info.pid = getpid();
  info.signing = parts_->signing_listener->address();
  info.admin = parts_->admin_listener->address();
  info.https = parts_->https->public_url();
  if (parts_->metrics_https) {
    info.metrics = absl::StrCat("https://localhost:", parts_->metrics_https->port());
  }
  info.hsm_ready = parts_->hsm_ready;
  info.hsm_alarm = parts_->hsm_alarm;
  for (const auto& process : parts_->partition->Status().processes) {
    if (process.pid != 0) info.hsm_pids.push_back(process.pid);
  }
  return info;
}

}  // namespace sealward::app
