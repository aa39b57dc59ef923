// Attempt: the record of one call, from before it does anything to its answer.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/replay/layout.h"
#include "server/replay/replay_log.h"
#include "server/telemetry/logging.h"

namespace sealward::replay {
namespace {

using telemetry::Level;
using telemetry::Log;

// Whether an error says that nothing was done, for certain.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
      return true;
    case absl::StatusCode::kFailedPrecondition:
      return ErrorReason(status) != "KEY_REFUSED";  // the key is there, and waits for its pair
    default:
      return ErrorReason(status) == "ETAG_MISMATCH";
  }
}

void Warn(const absl::Status& status) {
  if (!status.ok()) Log(Level::kWarning, "replay_not_recorded", {{"error", status.message()}});
}

}  // namespace

Attempt::Attempt(ReplayLog* log, std::string key, std::string request_sha256, absl::Time now)
    : log_(log), key_(std::move(key)), now_(now) {
  record_.set_request_sha256(std::move(request_sha256));
  record_.set_begin_time_us(absl::ToUnixMicros(now));
}

Attempt::~Attempt() { log_->Leave(key_); }

absl::Status Attempt::Allowed(const Permission& permission) {
  for (const Permission& known : record_.permissions()) {
    if (known.SerializeAsString() == permission.SerializeAsString()) return absl::OkStatus();
  }
  if (record_.permissions_size() == kMaxPermissions) {
    return absl::InternalError("a call asked for more rights than kMaxPermissions");
  }
  *record_.add_permissions() = permission;
  if (begun_) return absl::OkStatus();
  if (begun_before_) record_.set_begin_time_us(absl::ToUnixMicros(*begun_before_));
  store::Transaction transaction;
  transaction.compares.push_back({CallKey(key_), mod_revision_});
  transaction.operations.push_back({CallKey(key_), record_.SerializeAsString()});
  const bool is_new = lapsed_time_us_ != record_.begin_time_us();
  if (is_new) {
    transaction.operations.push_back({TimeKey(record_.begin_time_us(), key_), ""});
    if (mod_revision_ != 0) {
      transaction.operations.push_back({TimeKey(lapsed_time_us_, key_), std::nullopt});
    }
  }
  const auto revision = log_->CommitNew(std::move(transaction), now_);
  if (!revision.ok()) return revision.status();
  if (mod_revision_ == 0) log_->Add(1);
  mod_revision_ = *revision;
  begun_ = true;
  return absl::OkStatus();
}

void Attempt::Ended(const absl::Status& status, absl::string_view answer) {
  if (!begun_) return;
  store::Transaction transaction;
  transaction.compares.push_back({CallKey(key_), mod_revision_});
  if (IsRefusal(status)) {
    transaction.operations.push_back({CallKey(key_), std::nullopt});
    transaction.operations.push_back({TimeKey(record_.begin_time_us(), key_), std::nullopt});
  } else if (status.ok() && answer.size() <= kMaxAnswerBytes) {
    record_.set_response(std::string(answer));
    transaction.operations.push_back({CallKey(key_), record_.SerializeAsString()});
  } else {
    return;
  }
  const auto revision = log_->store_->Commit(transaction);
  Warn(revision.status());
  if (revision.ok() && !status.ok()) log_->Add(-1);
  begun_ = false;
}

}  // namespace sealward::replay
