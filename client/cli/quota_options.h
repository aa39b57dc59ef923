// The quota flags of tenants and keys.
#ifndef SEALWARD_CLIENT_CLI_QUOTA_OPTIONS_H_
#define SEALWARD_CLIENT_CLI_QUOTA_OPTIONS_H_

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "sealward/v1/quota.pb.h"

namespace sealward::client::cli {

// QuotaFlags is what a command line says about a quota.
struct QuotaFlags {
  int64_t per_second = 0;  // 0: not given
  int64_t burst = 0;
  bool none = false;

  bool given() const { return per_second != 0 || none; }

  // Sets the quota of a tenant or key, if there is one.
  template <typename Resource>
  void Fill(Resource& resource) const {
    if (per_second == 0) return;
    resource.mutable_quota()->set_signatures_per_second(per_second);
    resource.mutable_quota()->set_burst(burst);
  }
};

// Adds --quota-per-second, --quota-burst and --no-quota. REQUIRES: `flags`
// outlives the command.
void AddQuotaOptions(CLI::App& command, QuotaFlags& flags);

// "100/s, burst 200", or "none".
std::string QuotaText(bool set, const v1::Quota& quota);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_QUOTA_OPTIONS_H_
