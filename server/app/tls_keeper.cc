#include "server/app/tls_keeper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/app/credentials.h"
#include "server/auth/certificate.h"
#include "server/telemetry/logging.h"

namespace sealward::app {
namespace {

// gRPC reads the key and the chain from the same file, so that it never sees one
// without the other.
std::string Staged(const TlsIdentity& identity) {
  return absl::StrCat(identity.private_key, "\n", identity.certificate);
}

// All that there is to compare.
std::string Content(const std::vector<auth::TrustBundle>& bundles) {
  std::string content;
  for (const auth::TrustBundle& bundle : bundles) {
    absl::StrAppend(&content, bundle.trust_domain, "\n", auth::ToPem(bundle.certificates));
  }
  return content;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsKeeper>> TlsKeeper::Open(const Config& config,
                                                           const Sources& sources) {
  auto grpc = ReadTlsIdentity(config.grpc.certificate, config.grpc.private_key);
  if (!grpc.ok()) return grpc.status();
  auto https = ReadTlsIdentity(config.https.certificate, config.https.private_key);
  if (!https.ok()) return https.status();
  auto bundles = ReadTrustBundles(config.grpc, BundleRulesOf(config));
  if (!bundles.ok()) return bundles.status();
  auto identity = StagedFile::Create(Staged(*grpc));
  if (!identity.ok()) return identity.status();
  auto roots = StagedFile::Create("");
  if (!roots.ok()) return roots.status();
  std::unique_ptr<TlsKeeper> keeper(new TlsKeeper(config, sources, *std::move(grpc),
                                                  *std::move(https), *bundles, *std::move(identity),
                                                  *std::move(roots)));
  const absl::MutexLock lock(&keeper->poll_mu_);
  if (absl::Status staged = keeper->ReloadRoots(); !staged.ok()) return staged;
  return keeper;
}

TlsKeeper::TlsKeeper(const Config& config, const Sources& sources, TlsIdentity grpc,
                     TlsIdentity https, const std::vector<auth::TrustBundle>& bundles,
                     StagedFile identity, StagedFile roots)
    : config_(config),
      sources_(sources),
      rules_(BundleRulesOf(config)),
      identities_({[catalog = sources.catalog] { return catalog->Get(); }, sources.clock, rules_,
                   [metrics = sources.metrics](const catalog::TrustDomain& domain,
                                               const absl::Status& status) {
                     metrics->CountAlarm("trust_domain_unusable");
                     telemetry::Log(telemetry::Level::kError, "trust_domain_unusable",
                                    {{"resource", domain.name}, {"reason", status.message()}});
                   }},
                  bundles),
      grpc_(std::move(grpc)),
      https_(std::move(https)),
      bundles_(Content(bundles)),
      staged_identity_(std::move(identity)),
      staged_roots_(std::move(roots)) {
  AlarmIfNotValid(grpc_, config_.grpc.certificate);
  AlarmIfNotValid(https_, config_.https.certificate);
}

TlsKeeper::~TlsKeeper() { Stop(); }

void TlsKeeper::AlarmIfNotValid(const TlsIdentity& identity, const std::string& path) const {
  const absl::Status dates = CheckDates(identity, path, sources_.clock->Now());
  if (dates.ok()) return;
  sources_.metrics->CountAlarm("tls_certificate_not_valid");
  telemetry::Log(telemetry::Level::kError, "tls_certificate_not_valid",
                 {{"reason", dates.message()}});
}

absl::Status TlsKeeper::CheckPeer(absl::string_view pem, absl::string_view chain_pem) {
  const auto identity = identities_.Check(pem, chain_pem);
  if (identity.ok()) return absl::OkStatus();
  sources_.metrics->CountDenied("authenticate");
  const auth::X509Ptr shown = auth::ParseCertificate(pem);
  const std::string fingerprint = shown == nullptr ? "" : auth::Fingerprint(shown.get());
  const std::string reason = ErrorReason(identity.status());
  decisions::DecisionRecord record;
  record.time = sources_.clock->Now();
  record.outcome = decisions::Outcome::kDenied;
  record.code = identity.status().code();
  record.certificate = fingerprint;
  record.verb = "connect";  // gRPC does not tell the handshake who the peer is
  record.reason = reason;
  sources_.decisions->Record(record);
  return identity.status();
}

std::shared_ptr<grpc::ServerCredentials> TlsKeeper::GrpcCredentials() {
  return MakeServerCredentials(staged_identity_.path(), staged_roots_.path(),
                               [this](absl::string_view pem, absl::string_view chain_pem) {
                                 return CheckPeer(pem, chain_pem);
                               });
}

absl::Status TlsKeeper::ReloadGrpc() {
  auto next = ReadTlsIdentity(config_.grpc.certificate, config_.grpc.private_key);
  if (!next.ok()) return next.status();
  if (*next == grpc_) return absl::OkStatus();
  absl::Status status = CheckDates(*next, config_.grpc.certificate, sources_.clock->Now());
  if (status.ok()) status = staged_identity_.Replace(Staged(*next));
  if (!status.ok()) return status;
  grpc_ = *std::move(next);
  telemetry::Log(telemetry::Level::kInfo, "tls_reloaded", {{"file", config_.grpc.certificate}});
  return absl::OkStatus();
}

absl::Status TlsKeeper::ReloadBundles() {
  auto next = ReadTrustBundles(config_.grpc, rules_);
  if (!next.ok()) return next.status();
  std::string content = Content(*next);
  if (content == bundles_) return absl::OkStatus();
  identities_.SetConfigured(*std::move(next));
  bundles_ = std::move(content);
  telemetry::Log(telemetry::Level::kInfo, "tls_reloaded", {{"file", config_.grpc.client_ca}});
  return absl::OkStatus();
}

absl::Status TlsKeeper::ReloadHttps() {
  auto next = ReadTlsIdentity(config_.https.certificate, config_.https.private_key);
  if (!next.ok()) return next.status();
  if (*next == https_) return absl::OkStatus();
  absl::Status status = CheckDates(*next, config_.https.certificate, sources_.clock->Now());
  if (status.ok() && https_server_ != nullptr) status = https_server_->Reload("");
  if (status.ok() && metrics_server_ != nullptr) status = metrics_server_->Reload(roots_);
  if (!status.ok()) return status;
  https_ = *std::move(next);
  telemetry::Log(telemetry::Level::kInfo, "tls_reloaded", {{"file", config_.https.certificate}});
  return absl::OkStatus();
}

absl::Status TlsKeeper::ReloadRoots() {
  std::string next = ClientCas();
  if (next == roots_) return absl::OkStatus();
  absl::Status status = staged_roots_.Replace(next);
  if (status.ok() && metrics_server_ != nullptr) status = metrics_server_->Reload(next);
  if (status.ok()) roots_ = std::move(next);
  return status;
}

void TlsKeeper::Start(publish::HttpsServer* https, publish::HttpsServer* metrics) {
  {
    const absl::MutexLock lock(&poll_mu_);
    https_server_ = https;
    metrics_server_ = metrics;
    watched_ = {
        {"certificate of gRPC", [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ReloadGrpc(); },
         ""},
        {"CA bundles", [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ReloadBundles(); }, ""},
        {"CAs of clients", [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ReloadRoots(); }, ""},
        {"certificate of HTTPS", [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ReloadHttps(); },
         ""}};
  }
  thread_ = std::thread([this] { Run(); });
}

void TlsKeeper::Poll() {
  const absl::MutexLock lock(&poll_mu_);
  for (Watched& each : watched_) {
    const absl::Status status = each.reload();
    const std::string complaint(status.message());
    if (complaint == each.complaint) continue;
    each.complaint = complaint;
    if (status.ok()) {
      telemetry::Log(telemetry::Level::kInfo, "tls_reload_recovered", {{"what", each.what}});
      continue;
    }
    sources_.metrics->CountAlarm("tls_reload_failed");
    telemetry::Log(telemetry::Level::kError, "tls_reload_failed",
                   {{"what", each.what},
                    {"reason", complaint},
                    {"consequence", "the last good one goes on serving"}});
  }
  sources_.metrics->SetTlsReloadFailing(
      std::any_of(watched_.begin(), watched_.end(),
                  [](const Watched& each) { return !each.complaint.empty(); }));
}

void TlsKeeper::Run() {
  while (true) {
    {
      const absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), kTlsPollInterval)) return;
    }
    Poll();
  }
}

void TlsKeeper::Stop() {
  {
    const absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace sealward::app
