// Everything that the server counts, for Prometheus.
#ifndef SEALWARD_SERVER_TELEMETRY_METRICS_H_
#define SEALWARD_SERVER_TELEMETRY_METRICS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sealward/hsm/v1/hsm.pb.h"
#include "sealward/v1/algorithm.pb.h"

namespace sealward::telemetry {

// How a signature was asked for.
enum class SignMethod { kSignJwt, kBatchSignJwt, kSignRaw, kBatchSignRaw };

// Metrics holds the server's counters, gauges and histograms. Labels have few
// values, all from our own code but `partition`, which is a name from the
// configuration: no tenant, key or principal is ever one, since each value is a
// time series, and a list of customers besides.
//
// Threads: every call from any thread. CountSign, ObserveSign and
// CountHsmOperation are for the sign path: they take no lock and share no cache
// line with other threads.
class Metrics {
 public:
  // `version` is that of the build, for sealward_build_info.
  explicit Metrics(absl::string_view version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // sealward_sign_requests_total{method,code,algorithm}: each JWT of a batch
  // counts. ALGORITHM_UNSPECIFIED where it was refused before the key was known.
  void CountSign(SignMethod method, absl::StatusCode code, v1::Algorithm algorithm);
  // sealward_sign_duration_seconds{method}: of a whole call.
  void ObserveSign(SignMethod method, absl::Duration duration);
  // sealward_hsm_operations_total{verb,code}
  void CountHsmOperation(hsm::v1::Operation::VerbCase verb, absl::StatusCode code);

  // sealward_tls_reload_failing: 1 while a certificate, a key or a bundle on disk is
  // not taken over because it is bad.
  void SetTlsReloadFailing(bool failing);
  // Makes the counters of a partition begin at 0: a series that appears with its
  // first failure has no increase.
  void AddHsmPartition(absl::string_view partition);
  // sealward_hsm_queue_depth{partition}: operations that wait for a process.
  void SetHsmQueueDepth(absl::string_view partition, int64_t operations);
  // sealward_hsm_processes_ready{partition}
  void SetHsmProcessesReady(absl::string_view partition, int64_t processes);
  // sealward_hsm_restarts_total{partition}
  void CountHsmRestart(absl::string_view partition);
  // sealward_hsm_breaker_open{partition}: 1 while the HSM is taken for gone and every
  // operation is refused at once.
  void SetHsmBreakerOpen(absl::string_view partition, bool open);
  // sealward_hsm_breaker_opens_total{partition}
  void CountHsmBreakerOpen(absl::string_view partition);
  // sealward_hsm_pin_latched{partition}: 1 until an operator clears it.
  void SetHsmPinLatched(absl::string_view partition, bool latched);
  // sealward_verify_failures_total: signatures that did not verify and were not
  // released.
  void CountVerifyFailure();
  // sealward_jwks_requests_total{code}: HTTP status.
  void CountJwksRequest(int http_status);
  // sealward_store_commits_total{code}
  void CountStoreCommit(absl::StatusCode code);
  // sealward_denied_total{verb}; `verb` is one of auth::VerbName.
  void CountDenied(absl::string_view verb);
  // sealward_key_versions{state}; `state` is one of lifecycle::StateName.
  void SetKeyVersions(absl::string_view state, int64_t versions);
  // sealward_alarm{kind,severity}: how many stand now; server/alarms has the kinds.
  void SetAlarms(absl::string_view kind, absl::string_view severity, int64_t alarms);
  // sealward_next_rotation_seconds: until the next switch of any key that is planned or
  // due; negative where one is overdue, infinite where none is to come.
  void SetNextRotation(absl::Duration until);
  // sealward_oldest_signing_key_age_seconds: since the first signature of the version
  // that has signed for the longest.
  void SetOldestSigningAge(absl::Duration age);
  // sealward_pending_hsm_work{kind}: "generate", "mark" or "destroy".
  void SetPendingHsmWork(absl::string_view kind, int64_t count);
  // sealward_lifecycle_clock_behind_seconds: of the system's clock.
  void SetClockBehind(absl::Duration behind);
  // sealward_driver_pass_duration_seconds{partition}: of one pass of the driver.
  void ObserveDriverPass(absl::string_view partition, absl::Duration duration);
  // sealward_alarms_total{alarm}; `alarm` is a constant in snake_case.
  void CountAlarm(absl::string_view alarm);

  // All of it in the text exposition format 0.0.4.
  std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealward::telemetry

#endif  // SEALWARD_SERVER_TELEMETRY_METRICS_H_
