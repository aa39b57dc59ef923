#include "server/app/server.h"

#include <unistd.h>

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/version.h"
#include "server/alarms/watch.h"
#include "server/api/edge.h"
#include "server/api/executor.h"
#include "server/api/signing_service.h"
#include "server/app/admin_services.h"
#include "server/app/grpc_listener.h"
#include "server/app/hsm_partitions.h"
#include "server/app/key_work.h"
#include "server/app/local_listener.h"
#include "server/app/public_listener.h"
#include "server/app/signer_isolation.h"
#include "server/app/tls_files.h"
#include "server/app/tls_keeper.h"
#include "server/auth/call_limits.h"
#include "server/auth/decision.h"
#include "server/catalog/catalog.h"
#include "server/decisions/aggregator.h"
#include "server/decisions/log_sink.h"
#include "server/lifecycle/epochs.h"
#include "server/lifecycle/lifecycle_clock.h"
#include "server/lifecycle/margins.h"
#include "server/publish/https_server.h"
#include "server/publish/routes.h"
#include "server/quota/limiter.h"
#include "server/store/sqlite_store.h"
#include "server/telemetry/logging.h"
#include "server/telemetry/metrics.h"

namespace sealward::app {

// Parts in the order in which they are made; each may use those above it.
struct Server::Parts {
  explicit Parts(const Clock* clock_in) : clock(clock_in), metrics(kVersion) {}

  const Clock* const clock;
  const absl::Time start_time = clock->Now();
  telemetry::Metrics metrics;
  std::unique_ptr<store::SqliteStore> store;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<lifecycle::LifecycleClock> lifecycle_clock;
  decisions::LogSink decision_log;
  decisions::Aggregator decisions{&decision_log, clock};
  std::unique_ptr<TlsKeeper> tls;
  std::unique_ptr<SignerIsolation> isolation;
  std::unique_ptr<HsmPartitions> hsm;
  std::unique_ptr<lifecycle::Epochs> epochs;
  std::unique_ptr<PublicListener> https;
  std::unique_ptr<publish::HttpsServer> metrics_https;

  std::unique_ptr<KeyWork> keys;
  std::unique_ptr<alarms::AlarmWatch> alarms;
  quota::Limiter limiter;

  auth::CallLimits calls;
  std::unique_ptr<replay::ReplayLog> replay;
  std::unique_ptr<api::Executor> executor;
  api::Edge edge;
  AdminSources admin_sources;
  // A gRPC service belongs to one listener.
  std::unique_ptr<AdminServices> admin_services;
  std::unique_ptr<api::SigningService> signing_service;
  std::unique_ptr<api::SigningService> admin_signing_service;

  std::unique_ptr<GrpcListener> signing_listener;
  std::unique_ptr<GrpcListener> admin_listener;
  std::unique_ptr<LocalListener> local_listener;

  absl::Status OpenStore(const Config& config);
  absl::Status OpenTls(const Config& config);
  absl::Status StartHttps(const Config& config);
  absl::Status StartMetrics(const Config& config);
  void RecordRefusedScrape(absl::string_view principal, absl::string_view reason);
  void MakeServices(const Config& config);
  absl::Status StartGrpc(const Config& config);
  absl::Status StartLocal(const Config& config);
  void Stop();
};

namespace {

lifecycle::Margins MarginsOf(const Config& config) {
  if (!config.development.short_margins) return {};
  telemetry::Log(telemetry::Level::kWarning, "development_short_margins", {});
  return lifecycle::Margins::ForDevelopment();
}

}  // namespace

absl::Status Server::Parts::OpenStore(const Config& config) {
  auto opened =
      store::SqliteStore::Open(config.store.path, store::SqliteStore::Mode::kExisting, clock);
  if (!opened.ok()) return opened.status();
  store = *std::move(opened);
  auto loaded = catalog::Catalog::Load(store.get(), MarginsOf(config));
  if (!loaded.ok()) return loaded.status();
  catalog = *std::move(loaded);
  auto remembered = replay::ReplayLog::Open(store.get());
  if (!remembered.ok()) return remembered.status();
  replay = *std::move(remembered);
  lifecycle_clock = std::make_unique<lifecycle::LifecycleClock>(catalog->Get()->clock);
  return absl::OkStatus();
}

absl::Status Server::Parts::OpenTls(const Config& config) {
  auto opened = TlsKeeper::Open(config, {catalog.get(), clock, &metrics, &decisions});
  if (!opened.ok()) return opened.status();
  tls = *std::move(opened);
  return absl::OkStatus();
}

absl::Status Server::Parts::StartHttps(const Config& config) {
  auto started = PublicListener::Start(
      config.https, catalog.get(), &metrics, {clock, lifecycle_clock.get()}, [this] {
        return hsm->Health(
            [this](const auto& partition) { return epochs->CheckUsable(partition); });
      });
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
    const auth::Decision decision =
        auth::Decide(*catalog->Get(), principal, auth::Target{}, auth::Verb::kReadMetrics);
    if (!decision.allowed) RecordRefusedScrape(principal, decision.reason);
    return decision.allowed;
  };
  routes.text = [this] {
    hsm->UpdateGauges();
    return metrics.Text();
  };
  auto started = publish::HttpsServer::Start(std::move(options),
                                             publish::MakeMetricsHandler(std::move(routes)), clock);
  if (!started.ok()) return started.status();
  metrics_https = *std::move(started);
  return absl::OkStatus();
}

// The one refusal that does not come over gRPC; HTTPS tells no peer here.
void Server::Parts::RecordRefusedScrape(absl::string_view principal, absl::string_view reason) {
  decisions::DecisionRecord record;
  record.time = clock->Now();
  record.outcome = decisions::Outcome::kDenied;
  record.code = absl::StatusCode::kPermissionDenied;
  record.principal = principal;
  record.verb = auth::VerbName(auth::Verb::kReadMetrics);
  record.resource = "metrics";
  record.reason = reason;
  decisions.Record(record);
}

void Server::Parts::MakeServices(const Config& config) {
  executor = std::make_unique<api::Executor>();
  decisions.Start();
  edge = api::Edge{catalog.get(), clock,  executor.get(),        tls->identities(), &metrics,
                   &decisions,    &calls, lifecycle_clock.get(), replay.get()};
  admin_sources.public_url = https->public_url();
  admin_sources.keys = &keys->manager;
  admin_sources.quarantine = &keys->quarantine;
  admin_sources.live_jwts = &keys->signer.live_jwts();
  admin_sources.epochs = epochs.get();
  admin_sources.partitions = &hsm->partitions();
  admin_sources.status = {kVersion,
                          start_time,
                          &hsm->partitions(),
                          &keys->withheld,
                          epochs.get(),
                          [this](const std::string& partition, std::span<const pid_t> pids) {
                            return isolation->ExposureOf(partition, pids);
                          }};
  admin_sources.operations = {alarms.get(), lifecycle_clock.get(), epochs.get()};
  admin_sources.bundle_rules = BundleRulesOf(config);
  admin_services = std::make_unique<AdminServices>(edge, admin_sources);
  signing_service =
      std::make_unique<api::SigningService>(edge, &keys->signer, &keys->raw_signer, &limiter);
  admin_signing_service =
      std::make_unique<api::SigningService>(edge, &keys->signer, &keys->raw_signer, &limiter);
}

absl::Status Server::Parts::StartGrpc(const Config& config) {
  const auto credentials = tls->GrpcCredentials();
  auto signing = GrpcListener::Start(
      {"signing", config.grpc.signing_listen, {signing_service.get()}, false}, credentials);
  if (!signing.ok()) return signing.status();
  signing_listener = *std::move(signing);
  std::vector<grpc::Service*> services = admin_services->all();
  services.push_back(admin_signing_service.get());
  auto admin = GrpcListener::Start({"admin", config.grpc.admin_listen, std::move(services), true},
                                   credentials);
  if (!admin.ok()) return admin.status();
  admin_listener = *std::move(admin);
  return config.grpc.local_listen.empty() ? absl::OkStatus() : StartLocal(config);
}

absl::Status Server::Parts::StartLocal(const Config& config) {
  auto local =
      LocalListener::Start({config.grpc.local_listen, [this](auth::IdentitySource* identities) {
                              api::Edge theirs = edge;
                              theirs.identities = identities;
                              return std::make_unique<AdminServices>(theirs, admin_sources);
                            }});
  if (!local.ok()) return local.status();
  local_listener = *std::move(local);
  return absl::OkStatus();
}

void Server::Parts::Stop() {
  const absl::Time deadline = absl::Now() + kStopTimeout;
  if (signing_listener) signing_listener->Stop(absl::ToChronoTime(deadline));
  if (admin_listener) admin_listener->Stop(absl::ToChronoTime(deadline));
  if (local_listener) local_listener->Stop(absl::ToChronoTime(deadline));
  if (tls) tls->Stop();
  if (executor) executor->Stop();
  if (hsm) {
    const auto left = absl::ToChronoMilliseconds(deadline - absl::Now());
    hsm->Stop(std::chrono::steady_clock::now() + left);
  }
  decisions.Stop();
  if (alarms) alarms->Stop();
  if (keys) keys->drivers.Stop();
  if (keys) keys->clock_keeper.Stop();
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
  parts.isolation = std::make_unique<SignerIsolation>(config);
  if (absl::Status status = parts.isolation->CheckDirectories(); !status.ok()) return status;
  parts.hsm = std::make_unique<HsmPartitions>(config, parts.isolation.get(), clock, &parts.metrics);
  parts.epochs = std::make_unique<lifecycle::Epochs>(
      lifecycle::Epochs::Options{parts.catalog.get(), &parts.hsm->partitions(), clock,
                                 &parts.metrics, lifecycle::SystemRandomBytes});
  if (absl::Status status = parts.epochs->EnsureLineage(); !status.ok()) return status;
  ReportUnconfigured(*parts.catalog->Get(), parts.hsm->partitions(), parts.metrics);
  if (absl::Status status = parts.StartHttps(config); !status.ok()) return status;
  if (absl::Status status = parts.StartMetrics(config); !status.ok()) return status;
  parts.keys =
      std::make_unique<KeyWork>(parts.catalog.get(), &parts.hsm->partitions(), parts.epochs.get(),
                                clock, parts.lifecycle_clock.get(), &parts.metrics);
  parts.keys->clock_keeper.Start();
  parts.alarms = std::make_unique<alarms::AlarmWatch>(alarms::AlarmWatch::Options{
      parts.catalog.get(), &parts.hsm->partitions(), &parts.keys->withheld,
      parts.lifecycle_clock.get(), &parts.metrics});
  parts.MakeServices(config);
  if (absl::Status status = parts.StartGrpc(config); !status.ok()) return status;
  parts.tls->Start(parts.https->server(), parts.metrics_https.get());
  parts.hsm->AwaitStart([parts = &parts](const std::string& partition) {
    parts->epochs->Verify(partition).IgnoreError();  // logged; the driver goes on asking
    parts->keys->drivers.At(partition).Start();
  });
  if (absl::Status status = parts.isolation->Refused(); !status.ok()) return status;
  parts.alarms->Start();
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
  info.partitions = parts_->hsm->Infos();
  const PartitionInfo& shared = info.partitions.front();
  info.hsm_ready = shared.ready;
  info.hsm_alarm = shared.alarm;
  info.hsm_pids = shared.pids;
  return info;
}

}  // namespace sealward::app
