#include "client/cli/quota_options.h"

#include "absl/strings/str_cat.h"

namespace sealward::client::cli {

void AddQuotaOptions(CLI::App& command, QuotaFlags& flags) {
  CLI::Option* rate = command.add_option("--quota-per-second", flags.per_second,
                                         "At most so many signatures a second (1 to 1000000)");
  rate->check(CLI::Range(int64_t{1}, int64_t{1'000'000}));
  command
      .add_option("--quota-burst", flags.burst,
                  "Signatures that may come at once (default: one second's worth)")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->needs(rate);
  command.add_flag("--no-quota", flags.none, "No bound of its own")->excludes(rate);
}

std::string QuotaText(bool set, const v1::Quota& quota) {
  if (!set) return "none";
  return absl::StrCat(quota.signatures_per_second(), "/s, burst ", quota.burst());
}

}  // namespace sealward::client::cli
