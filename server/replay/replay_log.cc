#include "server/replay/replay_log.h"

#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/replay/layout.h"

namespace sealward::replay {
namespace {

// The same for the same call only: each part with its length before it.
std::string DigestOf(const Call& call) {
  std::string text;
  for (const std::string* part : {&call.principal, &call.method, &call.request_id}) {
    absl::StrAppend(&text, part->size(), ":", *part);
  }
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return absl::BytesToHexString(digest);
}

absl::Status CheckId(absl::string_view id) {
  const bool printable = std::ranges::all_of(id, absl::ascii_isgraph);
  if (!id.empty() && id.size() <= kMaxRequestIdBytes && printable) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID",
      absl::StrCat("request_id must be 1 to ", kMaxRequestIdBytes,
                   " visible ASCII characters, such as a UUID; it is ", id.size(), " bytes"));
}

absl::Status InProgress() {
  return MakeRetryableError(absl::StatusCode::kAborted, "REQUEST_IN_PROGRESS",
                            "a call with this request_id is under way; ask again for its answer",
                            kAskAgainAfter);
}

absl::Status Reused() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_REUSED",
                   "this request_id was used for another request of the same method within the "
                   "last 24 hours; make a new one for a new request");
}

// The record in `entry`.
absl::StatusOr<store::v1::ReplayRecord> Read(const store::Entry& entry) {
  store::v1::ReplayRecord record;
  if (record.ParseFromString(entry.value)) return record;
  return absl::DataLossError(absl::StrCat("the store's record ", entry.key, " cannot be read"));
}

// The keys of a lapsed time's entry, or nothing for what is not one.
std::optional<std::string> DigestOfTimeKey(absl::string_view key) {
  const size_t at = kTimesPrefix.size() + kTimeDigits + 1;
  if (key.size() <= at) return std::nullopt;
  return std::string(key.substr(at));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayLog>> ReplayLog::Open(store::Store* store) {
  auto log = std::unique_ptr<ReplayLog>(new ReplayLog(store));
  std::string last;
  for (bool more = true; more;) {
    const auto page = store->List(kTimesPrefix, last, store::kMaxListLimit);
    if (!page.ok()) return page.status();
    log->Add(static_cast<int64_t>(page->entries.size()));
    if (!page->entries.empty()) last = page->entries.back().key;
    more = page->more;
  }
  return log;
}

absl::StatusOr<Entry> ReplayLog::Enter(const Call& call, absl::Time now) {
  if (absl::Status s = CheckId(call.request_id); !s.ok()) return s;
  std::string key = DigestOf(call);
  {
    absl::MutexLock lock(&mu_);
    if (!under_way_.insert(key).second) return InProgress();
  }
  // From here on the attempt leaves the set, whatever happens.
  Entry entry;
  entry.attempt.reset(new Attempt(this, key, call.request_sha256, now));
  const auto found = store_->Get(CallKey(key));
  if (!found.ok()) return found.status();
  if (!*found) return entry;
  auto record = Read(**found);
  if (!record.ok()) return record.status();
  const absl::Time begun = absl::FromUnixMicros(record->begin_time_us());
  entry.attempt->mod_revision_ = (*found)->mod_revision;
  entry.attempt->lapsed_time_us_ = record->begin_time_us();
  if (now - begun >= kReplayWindow) return entry;
  if (record->request_sha256() != call.request_sha256) return Reused();
  if (!record->has_response()) {
    entry.attempt->begun_before_ = begun;
    return entry;
  }
  entry.attempt.reset();
  entry.answer.emplace(
      std::move(*record->mutable_response()),
      std::vector<Permission>(record->permissions().begin(), record->permissions().end()));
  return entry;
}

absl::StatusOr<int64_t> ReplayLog::CommitNew(store::Transaction transaction, absl::Time now) {
  absl::MutexLock sweeping(&sweep_mu_);
  const auto oldest = store_->List(kTimesPrefix, "", kMaxSwept);
  if (!oldest.ok()) return oldest.status();
  const std::string end = TimeKey(absl::ToUnixMicros(now - kReplayWindow), "");
  int64_t swept = 0;
  for (const store::Entry& each : oldest->entries) {
    const auto digest = DigestOfTimeKey(each.key);
    if (each.key >= end || !digest) break;
    const bool replaced = std::ranges::any_of(
        transaction.operations, [&](const store::Operation& op) { return op.key == each.key; });
    if (replaced) continue;
    transaction.operations.push_back({each.key, std::nullopt});
    transaction.operations.push_back({CallKey(*digest), std::nullopt});
    ++swept;
  }
  {
    absl::MutexLock lock(&mu_);
    if (remembered_ - swept >= static_cast<int64_t>(kMaxRemembered)) {
      return MakeRetryableError(
          absl::StatusCode::kResourceExhausted, "TOO_MANY_REQUEST_IDS",
          absl::StrCat("the last ", kMaxRemembered,
                       " calls with a request_id are all younger than a day; send this one "
                       "without, or later"),
          kAskAgainAfter);
    }
  }
  auto revision = store_->Commit(transaction);
  if (revision.ok()) Add(-swept);
  return revision;
}

void ReplayLog::Leave(const std::string& key) {
  absl::MutexLock lock(&mu_);
  under_way_.erase(key);
}

void ReplayLog::Add(int64_t count) {
  absl::MutexLock lock(&mu_);
  remembered_ += count;
}

size_t ReplayLog::remembered() const {
  absl::MutexLock lock(&mu_);
  return static_cast<size_t>(remembered_);
}

}  // namespace sealward::replay
