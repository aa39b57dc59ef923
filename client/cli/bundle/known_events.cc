#include <array>

#include "client/cli/bundle/allowed.h"

namespace sealward::client::cli::bundle {
namespace {

constexpr auto kEvents = std::to_array<absl::string_view>({
    "alarm_begins",
    "alarm_ends",
    "alarms_not_logged",
    "clock_frozen",
    "clock_goes_on",
    "clock_waits",
    "clock_write_failed",
    "connection_refused",
    "decision",
    "development_short_margins",
    "epoch_not_noted",
    "hsm_breaker_closed",
    "hsm_breaker_opened",
    "hsm_object_mismatch",
    "hsm_object_missing",
    "hsm_object_unknown",
    "hsm_partition_alarm",
    "hsm_process_ended",
    "hsm_process_ready",
    "hsm_process_retired",
    "hsm_process_slow_start",
    "hsm_process_start_failed",
    "hsm_process_started",
    "hsm_process_stopped",
    "hsm_process_wedged",
    "hsm_reconcile_failed",
    "hsm_reconciled",
    "key_created",
    "key_destroy_scheduled",
    "key_refused",
    "key_step_failed",
    "key_switch_planned",
    "key_version_adopted",
    "key_version_generated",
    "key_version_given_up",
    "key_version_revoked",
    "key_version_withdrawn",
    "partition_confirmed",
    "partition_not_configured",
    "partition_not_confirmed",
    "partition_recovered",
    "partition_without_witness",
    "quarantine_destroy_impossible",
    "quarantine_purge_failed",
    "quarantine_purge_scheduled",
    "replay_not_recorded",
    "revocation_tombstone_pending",
    "revocation_without_successor",
    "rpc_internal_error",
    "serving",
    "serving_without_hsm",
    "signature_invalid",
    "signer_not_apart",
    "stopped",
    "stopping",
    "store_older_than_partition",
    "tls_certificate_not_valid",
    "tls_reload_failed",
    "tls_reload_recovered",
    "tls_reloaded",
    "tombstones_taken_over",
    "trust_domain_unusable",
});

}  // namespace

std::span<const absl::string_view> KnownEvents() { return kEvents; }

}  // namespace sealward::client::cli::bundle
