#include "server/store/leases.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::store {

// Held is a lease as its holder sees it.
class Leases::Held final : public Leadership {
 public:
  Held(std::shared_ptr<Leases> leases, std::string name, uint64_t id, absl::Duration ttl)
      : leases_(std::move(leases)), name_(std::move(name)), id_(id), ttl_(ttl) {}
  ~Held() override { leases_->Release(name_, id_); }
  bool held() const override { return leases_->Renew(name_, id_, ttl_); }

 private:
  const std::shared_ptr<Leases> leases_;
  const std::string name_;
  const uint64_t id_;
  const absl::Duration ttl_;
};

std::shared_ptr<Leases> Leases::Create(const Clock* clock) {
  return std::shared_ptr<Leases>(new Leases(clock));
}

absl::StatusOr<std::unique_ptr<Leadership>> Leases::Lead(absl::string_view name,
                                                         absl::string_view holder,
                                                         absl::Duration ttl) {
  if (name.empty() || name.size() > kMaxKeyBytes || holder.size() > kMaxKeyBytes ||
      ttl <= absl::ZeroDuration()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "STORE_LIMIT",
                     absl::StrCat("a lease needs a name of 1 to ", kMaxKeyBytes,
                                  " bytes, a holder of at most as many, and a positive ttl"));
  }
  const absl::Time now = clock_->Now();
  absl::MutexLock lock(&mu_);
  std::erase_if(leases_, [now](const auto& entry) { return entry.second.expires <= now; });
  if (const auto found = leases_.find(std::string(name)); found != leases_.end()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LEADER_EXISTS",
                     absl::StrCat(name, " is led by ", found->second.holder, ", until it stops or ",
                                  absl::FormatTime(found->second.expires)));
  }
  if (leases_.size() >= kMaxLeases) {
    return MakeError(absl::StatusCode::kInvalidArgument, "STORE_LIMIT",
                     absl::StrCat("more than ", kMaxLeases, " leases"));
  }
  const uint64_t id = ++last_id_;
  leases_[std::string(name)] = Lease{id, std::string(holder), now + ttl};
  return std::make_unique<Held>(shared_from_this(), std::string(name), id, ttl);
}

bool Leases::Renew(const std::string& name, uint64_t id, absl::Duration ttl) {
  const absl::Time now = clock_->Now();
  absl::MutexLock lock(&mu_);
  const auto found = leases_.find(name);
  if (found == leases_.end() || found->second.id != id) return false;
  // Lapsed is lost, even if nobody took it: the holder may have been told so.
  if (found->second.expires <= now) return false;
  found->second.expires = now + ttl;
  return true;
}

void Leases::Release(const std::string& name, uint64_t id) {
  absl::MutexLock lock(&mu_);
  const auto found = leases_.find(name);
  if (found != leases_.end() && found->second.id == id) leases_.erase(found);
}

}  // namespace sealward::store
