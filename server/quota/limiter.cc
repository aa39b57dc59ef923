#include "server/quota/limiter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::quota {
namespace {

std::string Describe(const catalog::Quota& quota) {
  return absl::StrCat(quota.per_second, " signatures a second, ", quota.burst, " at once");
}

absl::Status Exceeded(const catalog::Key& key, absl::Duration key_wait,
                      absl::Duration tenant_wait) {
  std::vector<QuotaViolation> violations;
  if (key_wait > absl::ZeroDuration()) violations.push_back({key.name, Describe(key.quota)});
  if (tenant_wait > absl::ZeroDuration()) {
    violations.push_back({key.tenant->name, Describe(key.tenant->quota)});
  }
  const QuotaViolation& first = violations.front();
  return MakeQuotaError("QUOTA_EXCEEDED",
                        absl::StrCat("the quota of ", first.subject, " is used up (",
                                     first.description, "); slow down, or have it raised"),
                        violations, std::max(key_wait, tenant_wait));
}

// How long until `use`, of a quota, has room; zero without one.
template <typename Use>
absl::Duration WaitFor(Use* use, const catalog::Quota& quota, absl::Time now) {
  return use == nullptr ? absl::ZeroDuration() : use->admitted.Wait(quota, now);
}

// Counts a refusal against `use`; whether it was one too many.
template <typename Use>
bool CountRefusal(Use* use, const catalog::Quota& quota, absl::Time now) {
  return !use->refused.Take(quota, now);
}

}  // namespace

Limiter::Limiter() {
  absl::MutexLock lock(&mu_);
  Show(std::make_shared<const Table>());
}

size_t Limiter::size() const {
  absl::MutexLock lock(&mu_);
  return table_->buckets.size();
}

bool Limiter::Bounds::Find(const Table& table, const catalog::Key& key, Bounds& out) {
  const auto find = [&table](const std::string& name, const catalog::Quota& quota, Use*& to) {
    if (quota.per_second == 0) return true;
    const auto found = table.buckets.find(name);
    if (found != table.buckets.end()) to = found->second.get();
    return to != nullptr;
  };
  const bool has_key = find(key.name, key.quota, out.key);
  const bool has_tenant = find(key.tenant->name, key.tenant->quota, out.tenant);
  return has_key && has_tenant;
}

Admission Limiter::AdmitBounded(const catalog::Snapshot& snapshot, const catalog::Key& key,
                                absl::Time now) {
  Bounds bounds;
  if (!Bounds::Find(Current(), key, bounds)) {
    Replace(snapshot);
    bounds = Bounds();
    // What is not there now has lost its quota since the caller's snapshot.
    Bounds::Find(Current(), key, bounds);
  }
  const catalog::Quota& tenant_quota = key.tenant->quota;
  for (;;) {
    // A token of the key goes back if the tenant has none.
    if (bounds.key == nullptr || bounds.key->admitted.Take(key.quota, now)) {
      if (bounds.tenant == nullptr || bounds.tenant->admitted.Take(tenant_quota, now)) {
        return {};
      }
      if (bounds.key != nullptr) bounds.key->admitted.PutBack(key.quota);
    }
    const absl::Duration key_wait = WaitFor(bounds.key, key.quota, now);
    const absl::Duration tenant_wait = WaitFor(bounds.tenant, tenant_quota, now);
    if (key_wait > absl::ZeroDuration() || tenant_wait > absl::ZeroDuration()) {
      const bool floods = tenant_wait > absl::ZeroDuration()
                              ? CountRefusal(bounds.tenant, tenant_quota, now)
                              : CountRefusal(bounds.key, key.quota, now);
      return {Exceeded(key, key_wait, tenant_wait), floods};
    }
    // Another thread has just put one back: try again.
  }
}

const Limiter::Table& Limiter::Current() {
  thread_local uint64_t generation = 0;
  thread_local std::shared_ptr<const Table> table;
  if (generation != generation_.load(std::memory_order_acquire)) {
    absl::MutexLock lock(&mu_);
    table = table_;
    generation = generation_.load(std::memory_order_relaxed);
  }
  return *table;
}

void Limiter::Replace(const catalog::Snapshot& snapshot) {
  absl::MutexLock lock(&mu_);
  if (snapshot.revision <= table_->revision) return;  // another thread was faster
  auto next = std::make_shared<Table>();
  next->revision = snapshot.revision;
  const auto keep = [&](const std::string& name, const catalog::Quota& quota) {
    if (quota.per_second == 0) return;
    const auto before = table_->buckets.find(name);
    next->buckets[name] =
        before == table_->buckets.end() ? std::make_shared<Use>() : before->second;
  };
  for (const auto& [name, tenant] : snapshot.tenants) keep(name, tenant->quota);
  for (const auto& [name, key] : snapshot.keys) keep(name, key->quota);
  Show(std::move(next));
}

void Limiter::Show(std::shared_ptr<const Table> table) {
  static std::atomic<uint64_t> generations{0};
  table_ = std::move(table);
  generation_.store(generations.fetch_add(1, std::memory_order_relaxed) + 1,
                    std::memory_order_release);
}

}  // namespace sealward::quota
