#include "server/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/algorithms.h"
#include "server/telemetry/sharded.h"

namespace sealward::telemetry {
namespace {

// Codes of google.rpc.Code: OK to UNAUTHENTICATED.
constexpr size_t kCodes = 17;
constexpr size_t kUnknownCode = static_cast<size_t>(absl::StatusCode::kUnknown);

constexpr std::array<absl::string_view, 4> kMethods = {"SignJwt", "BatchSignJwt", "SignRaw",
                                                       "BatchSignRaw"};

// Names by hsm::v1::Operation::VerbCase; the first is of an operation without.
constexpr std::array<absl::string_view, 16> kVerbs = {
    "none",       "sign_jws",     "generate",         "get_public_key", "forget",         "list",
    "describe",   "check_health", "schedule_destroy", "destroy",        "cancel_destroy", "revoke",
    "list_marks", "read_epoch",   "advance_epoch",    "sign_raw"};

// 1-2-5 steps around what a signature takes: an idle P-256 one about 200 µs, a
// queue that is full some 300 ms.
const std::vector<absl::Duration>& SignBounds() {
  static const auto* const bounds = new std::vector<absl::Duration>{
      absl::Microseconds(50),  absl::Microseconds(100), absl::Microseconds(200),
      absl::Microseconds(300), absl::Microseconds(500), absl::Milliseconds(1),
      absl::Milliseconds(2),   absl::Milliseconds(5),   absl::Milliseconds(10),
      absl::Milliseconds(20),  absl::Milliseconds(50),  absl::Milliseconds(100),
      absl::Milliseconds(200), absl::Milliseconds(500), absl::Seconds(1)};
  return *bounds;
}

prometheus::ClientMetric::Label Label(absl::string_view name, absl::string_view value) {
  return {std::string(name), std::string(value)};
}

size_t CodeIndex(absl::StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kCodes ? index : kUnknownCode;
}

std::string CodeName(size_t index) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(index));
}

// One more than the rows of the table: index 0 is for requests without a key.
size_t AlgorithmCount() { return AllAlgorithms().size() + 1; }

size_t AlgorithmIndex(v1::Algorithm algorithm) {
  const AlgorithmInfo* row = FindAlgorithm(algorithm);
  return row == nullptr ? 0 : static_cast<size_t>(row - AllAlgorithms().data()) + 1;
}

size_t SignCell(size_t method, size_t code, size_t algorithm) {
  return (method * kCodes + code) * AlgorithmCount() + algorithm;
}

std::vector<MetricLabels> SignLabels() {
  std::vector<MetricLabels> labels;
  for (const absl::string_view method : kMethods) {
    for (size_t code = 0; code < kCodes; ++code) {
      for (size_t algorithm = 0; algorithm < AlgorithmCount(); ++algorithm) {
        const absl::string_view name =
            algorithm == 0 ? "none" : AllAlgorithms()[algorithm - 1].name;
        labels.push_back(
            {Label("method", method), Label("code", CodeName(code)), Label("algorithm", name)});
      }
    }
  }
  return labels;
}

std::vector<MetricLabels> MethodLabels() {
  std::vector<MetricLabels> labels;
  labels.reserve(std::size(kMethods));
  for (const absl::string_view method : kMethods) labels.push_back({Label("method", method)});
  return labels;
}

prometheus::Labels Of(absl::string_view partition) {
  return {{"partition", std::string(partition)}};
}

std::vector<MetricLabels> HsmLabels() {
  std::vector<MetricLabels> labels;
  for (const absl::string_view verb : kVerbs) {
    for (size_t code = 0; code < kCodes; ++code) {
      labels.push_back({Label("verb", verb), Label("code", CodeName(code))});
    }
  }
  return labels;
}

}  // namespace

struct Metrics::Impl {
  using CounterFamily = prometheus::Family<prometheus::Counter>;
  using GaugeFamily = prometheus::Family<prometheus::Gauge>;

  CounterFamily& Counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  GaugeFamily& Gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }

  prometheus::Registry registry;

  ShardedCounter sign_requests{"sealward_sign_requests_total", "JWTs asked for, by outcome",
                               SignLabels()};
  ShardedHistogram sign_duration{"sealward_sign_duration_seconds",
                                 "Time from a sign request to its answer", MethodLabels(),
                                 SignBounds()};
  ShardedCounter hsm_operations{"sealward_hsm_operations_total",
                                "Operations of sealward-hsm processes, by outcome", HsmLabels()};

  prometheus::Gauge& tls_reload_failing =
      Gauges("sealward_tls_reload_failing",
             "1 while a certificate, key or bundle on disk is bad and the last good one serves")
          .Add({});
  GaugeFamily& hsm_queue_depth =
      Gauges("sealward_hsm_queue_depth", "Operations that wait for a sealward-hsm process");
  GaugeFamily& hsm_processes_ready =
      Gauges("sealward_hsm_processes_ready", "sealward-hsm processes that serve");
  CounterFamily& hsm_restarts =
      Counters("sealward_hsm_restarts_total", "sealward-hsm processes that were replaced");
  GaugeFamily& hsm_breaker_open =
      Gauges("sealward_hsm_breaker_open", "1 while the HSM is taken for gone and nothing is asked");
  CounterFamily& hsm_breaker_opens =
      Counters("sealward_hsm_breaker_opens_total", "Times that the HSM was found gone");
  GaugeFamily& hsm_pin_latched =
      Gauges("sealward_hsm_pin_latched", "1 after a refused PIN, until an operator clears it");
  prometheus::Counter& verify_failures =
      Counters("sealward_verify_failures_total",
               "Signatures that did not verify and were not released")
          .Add({});
  CounterFamily& jwks_requests =
      Counters("sealward_jwks_requests_total", "Requests for a JWKS or discovery document");
  CounterFamily& store_commits =
      Counters("sealward_store_commits_total", "Transactions of the store, by outcome");
  CounterFamily& denied = Counters("sealward_denied_total", "Requests that were denied");
  GaugeFamily& key_versions = Gauges("sealward_key_versions", "Key versions in each state");
  GaugeFamily& standing_alarms = Gauges("sealward_alarm", "Alarms that stand now");
  prometheus::Gauge& next_rotation =
      Gauges("sealward_next_rotation_seconds",
             "Until the next switch of any key; negative where one is overdue")
          .Add({});
  prometheus::Gauge& oldest_signing_age =
      Gauges("sealward_oldest_signing_key_age_seconds",
             "Since the first signature of the version that has signed for the longest")
          .Add({});
  GaugeFamily& pending_hsm_work =
      Gauges("sealward_pending_hsm_work", "What is due in the HSM and not done yet");
  prometheus::Gauge& clock_behind = Gauges("sealward_lifecycle_clock_behind_seconds",
                                           "How far lifecycle time is behind the system's clock")
                                        .Add({});
  prometheus::Family<prometheus::Histogram>& driver_pass =
      prometheus::BuildHistogram()
          .Name("sealward_driver_pass_duration_seconds")
          .Help("Time that one pass of a partition's lifecycle driver takes")
          .Register(registry);
  CounterFamily& alarms =
      Counters("sealward_alarms_total", "Events that an operator has to look at");
};

Metrics::Metrics(absl::string_view version) : impl_(std::make_unique<Impl>()) {
  impl_->Gauges("sealward_build_info", "1; the label is the version that runs")
      .Add({{"version", std::string(version)}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::CountSign(SignMethod method, absl::StatusCode code, v1::Algorithm algorithm) {
  impl_->sign_requests.Increment(
      SignCell(static_cast<size_t>(method), CodeIndex(code), AlgorithmIndex(algorithm)));
}

void Metrics::ObserveSign(SignMethod method, absl::Duration duration) {
  impl_->sign_duration.Observe(static_cast<size_t>(method), duration);
}

void Metrics::CountHsmOperation(hsm::v1::Operation::VerbCase verb, absl::StatusCode code) {
  const auto index = static_cast<size_t>(verb);
  impl_->hsm_operations.Increment((index < kVerbs.size() ? index : 0) * kCodes + CodeIndex(code));
}

void Metrics::AddHsmPartition(absl::string_view partition) {
  impl_->hsm_restarts.Add(Of(partition));
  impl_->hsm_breaker_opens.Add(Of(partition));
}

void Metrics::SetHsmQueueDepth(absl::string_view partition, int64_t operations) {
  impl_->hsm_queue_depth.Add(Of(partition)).Set(static_cast<double>(operations));
}

void Metrics::SetHsmProcessesReady(absl::string_view partition, int64_t processes) {
  impl_->hsm_processes_ready.Add(Of(partition)).Set(static_cast<double>(processes));
}

void Metrics::SetTlsReloadFailing(bool failing) { impl_->tls_reload_failing.Set(failing ? 1 : 0); }

void Metrics::CountHsmRestart(absl::string_view partition) {
  impl_->hsm_restarts.Add(Of(partition)).Increment();
}

void Metrics::SetHsmBreakerOpen(absl::string_view partition, bool open) {
  impl_->hsm_breaker_open.Add(Of(partition)).Set(open ? 1 : 0);
}

void Metrics::CountHsmBreakerOpen(absl::string_view partition) {
  impl_->hsm_breaker_opens.Add(Of(partition)).Increment();
}

void Metrics::SetHsmPinLatched(absl::string_view partition, bool latched) {
  impl_->hsm_pin_latched.Add(Of(partition)).Set(latched ? 1 : 0);
}

void Metrics::CountVerifyFailure() { impl_->verify_failures.Increment(); }

void Metrics::CountJwksRequest(int http_status) {
  impl_->jwks_requests.Add({{"code", absl::StrCat(http_status)}}).Increment();
}

void Metrics::CountStoreCommit(absl::StatusCode code) {
  impl_->store_commits.Add({{"code", CodeName(CodeIndex(code))}}).Increment();
}

void Metrics::CountDenied(absl::string_view verb) {
  impl_->denied.Add({{"verb", std::string(verb)}}).Increment();
}

void Metrics::SetKeyVersions(absl::string_view state, int64_t versions) {
  impl_->key_versions.Add({{"state", std::string(state)}}).Set(static_cast<double>(versions));
}

void Metrics::SetAlarms(absl::string_view kind, absl::string_view severity, int64_t alarms) {
  impl_->standing_alarms.Add({{"kind", std::string(kind)}, {"severity", std::string(severity)}})
      .Set(static_cast<double>(alarms));
}

void Metrics::SetNextRotation(absl::Duration until) {
  impl_->next_rotation.Set(absl::ToDoubleSeconds(until));
}

void Metrics::SetOldestSigningAge(absl::Duration age) {
  impl_->oldest_signing_age.Set(absl::ToDoubleSeconds(age));
}

void Metrics::SetPendingHsmWork(absl::string_view kind, int64_t count) {
  impl_->pending_hsm_work.Add({{"kind", std::string(kind)}}).Set(static_cast<double>(count));
}

void Metrics::SetClockBehind(absl::Duration behind) {
  impl_->clock_behind.Set(absl::ToDoubleSeconds(behind));
}

void Metrics::ObserveDriverPass(absl::string_view partition, absl::Duration duration) {
  static const auto* const bounds =
      new prometheus::Histogram::BucketBoundaries{0.001, 0.01, 0.1, 1, 10, 60};
  impl_->driver_pass.Add(Of(partition), *bounds).Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::CountAlarm(absl::string_view alarm) {
  impl_->alarms.Add({{"alarm", std::string(alarm)}}).Increment();
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  for (const prometheus::Collectable* source :
       {static_cast<const prometheus::Collectable*>(&impl_->sign_requests),
        static_cast<const prometheus::Collectable*>(&impl_->sign_duration),
        static_cast<const prometheus::Collectable*>(&impl_->hsm_operations)}) {
    std::vector<prometheus::MetricFamily> more = source->Collect();
    std::move(more.begin(), more.end(), std::back_inserter(families));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace sealward::telemetry
