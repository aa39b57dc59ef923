// What sealward-hsm check found out about a module, and the page that says it.
#ifndef SEALWARD_HSM_CHECK_REPORT_H_
#define SEALWARD_HSM_CHECK_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealward::hsm {

enum class Outcome { kYes, kNo, kNotTried };

// What the line about the canary's algorithm is called.
inline constexpr absl::string_view kCanaryFinding = "an algorithm for the canary";

// Finding is one line of the page.
struct Finding {
  bool required = false;
  std::string what;
  Outcome outcome = Outcome::kNotTried;
  std::string detail;   // how it went, or why not
  std::string without;  // what is missing where it is optional and not there
};

// AlgorithmFinding is one of Sealward's algorithms. One that is offered and not yes was
// tried and failed, or not tried.
struct AlgorithmFinding {
  std::string name;
  bool offered = false;
  Outcome outcome = Outcome::kNotTried;
  std::string detail;
};

// CheckReport is all that one check found, in the order of the page.
struct CheckReport {
  std::vector<std::string> module;  // library, slots, tokens
  std::vector<AlgorithmFinding> algorithms;
  std::vector<Finding> findings;
  std::vector<std::string> rates;
  std::vector<std::string> acts;  // what was done to the partition
};

// Adds a finding: yes if `status` is OK, with `yes` for its detail, else no with the
// status's message.
void AddFinding(CheckReport& report, bool required, absl::string_view what,
                const absl::Status& status, absl::string_view yes, absl::string_view without = "");

// Whether Sealward can work with the module: nothing required is missing, and at least
// one algorithm is offered that was not seen to fail.
bool Usable(const CheckReport& report);

// The page, lines of at most 100 columns where the module's own words allow it.
std::string FormatReport(const CheckReport& report);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_CHECK_REPORT_H_
