#include "hsm/check_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sealward::hsm {
namespace {

absl::string_view Word(Outcome outcome) {
  switch (outcome) {
    case Outcome::kYes:
      return "yes";
    case Outcome::kNo:
      return "NO";
    case Outcome::kNotTried:
      return "not tried";
  }
  return "";
}

void Section(std::string& page, absl::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  absl::StrAppend(&page, title, "\n");
  for (const std::string& line : lines) absl::StrAppend(&page, "  ", line, "\n");
  page.push_back('\n');
}

std::string AlgorithmLine(const AlgorithmFinding& found) {
  const absl::string_view word = found.offered ? Word(found.outcome) : "no";
  return absl::StrFormat("%-16s %-9s  %s", found.name, word,
                         found.offered ? found.detail : "the module does not offer it");
}

std::string FindingLine(const Finding& found) {
  std::string line =
      absl::StrFormat("%-8s %-34s %-9s  %s", found.required ? "required" : "optional", found.what,
                      Word(found.outcome), found.detail);
  if (found.outcome == Outcome::kNo && !found.without.empty()) {
    absl::StrAppend(&line, "\n           without it ", found.without);
  }
  return line;
}

bool WasTried(const CheckReport& report) {
  return std::ranges::any_of(report.algorithms, [](const AlgorithmFinding& found) {
    return found.outcome != Outcome::kNotTried;
  });
}

std::string Verdict(const CheckReport& report) {
  if (!Usable(report)) return "Sealward CANNOT use this module: see what is required and says NO.";
  if (!WasTried(report)) {
    return "Nothing speaks against this module, but nothing was tried: give --dir and --pin-file.";
  }
  return "Sealward can use this module.";
}

}  // namespace

void AddFinding(CheckReport& report, bool required, absl::string_view what,
                const absl::Status& status, absl::string_view yes, absl::string_view without) {
  report.findings.push_back({.required = required,
                             .what = std::string(what),
                             .outcome = status.ok() ? Outcome::kYes : Outcome::kNo,
                             .detail = std::string(status.ok() ? yes : status.message()),
                             .without = std::string(without)});
}

bool Usable(const CheckReport& report) {
  const auto lacks = [](const Finding& found) {
    return found.required && found.outcome == Outcome::kNo;
  };
  const auto signs = [](const AlgorithmFinding& found) {
    return found.offered && found.outcome != Outcome::kNo;
  };
  return std::ranges::none_of(report.findings, lacks) &&
         std::ranges::any_of(report.algorithms, signs);
}

std::string FormatReport(const CheckReport& report) {
  std::vector<std::string> algorithms;
  algorithms.reserve(report.algorithms.size());
  for (const AlgorithmFinding& found : report.algorithms)
    algorithms.push_back(AlgorithmLine(found));
  std::vector<std::string> findings;
  findings.reserve(report.findings.size());
  for (const Finding& found : report.findings) findings.push_back(FindingLine(found));
  std::string page;
  Section(page, "Module", report.module);
  Section(page, "Algorithms of Sealward", algorithms);
  Section(page, "What Sealward needs", findings);
  Section(page, "Rates, roughly", report.rates);
  Section(page, "What was done", report.acts);
  return absl::StrCat(page, Verdict(report), "\n");
}

}  // namespace sealward::hsm
