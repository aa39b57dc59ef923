#include "common/iso_duration.h"

#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errors.h"

namespace sealward {
namespace {

// Longer texts are no duration that anybody meant; bounds what an error quotes, too.
constexpr size_t kMaxText = 64;
constexpr size_t kMaxDigits = 12;
constexpr size_t kMaxDecimals = 9;

// Unit is a part of a duration, in the order in which parts must come.
struct Unit {
  char letter;
  bool time;  // after T
  absl::Duration length;
};
constexpr std::array kUnits = {
    Unit{'D', false, absl::Hours(24)},
    Unit{'H', true, absl::Hours(1)},
    Unit{'M', true, absl::Minutes(1)},
    Unit{'S', true, absl::Seconds(1)},
};
constexpr absl::Duration kWeek = absl::Hours(7 * 24);

absl::Status Refused(absl::string_view text, absl::string_view why) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "DURATION_INVALID",
      absl::StrCat("\"", text.substr(0, kMaxText), "\" is not a duration that can be used: ", why));
}

constexpr absl::string_view kForm = "write for example P30D, P2W, PT1H30M or P1DT12H (ISO 8601)";

absl::string_view TakeDigits(absl::string_view& text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[count]))) {
    ++count;
  }
  const absl::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// Number is digits with, perhaps, decimal places.
struct Number {
  int64_t whole = 0;
  int64_t nanos = 0;
  bool has_decimals = false;
};

// Takes a number off the front; false if there is none, or one that is too long.
bool TakeNumber(absl::string_view& text, Number& number) {
  const absl::string_view whole = TakeDigits(text);
  if (whole.empty() || whole.size() > kMaxDigits) return false;
  if (!absl::SimpleAtoi(whole, &number.whole)) return false;
  if (text.empty() || (text.front() != '.' && text.front() != ',')) return true;
  text.remove_prefix(1);
  const absl::string_view decimals = TakeDigits(text);
  if (decimals.empty() || decimals.size() > kMaxDecimals) return false;
  number.has_decimals = true;
  if (!absl::SimpleAtoi(decimals, &number.nanos)) return false;
  for (size_t i = decimals.size(); i < kMaxDecimals; ++i) number.nanos *= 10;
  return true;
}

// Reads what follows P, all of it.
absl::StatusOr<absl::Duration> ParseParts(absl::string_view text, absl::string_view rest) {
  absl::Duration sum;
  bool in_time = false;
  bool any = false;
  size_t next_unit = 0;
  while (!rest.empty()) {
    if (rest.front() == 'T' && !in_time) {
      in_time = true;
      rest.remove_prefix(1);
      if (rest.empty()) return Refused(text, "nothing follows T");
      continue;
    }
    Number number;
    if (!TakeNumber(rest, number) || rest.empty()) return Refused(text, kForm);
    const char letter = rest.front();
    rest.remove_prefix(1);
    if (letter == 'Y' || (letter == 'M' && !in_time)) {
      return Refused(text, "years and months have no fixed length; say it in days, such as P365D");
    }
    if (letter == 'W' && !any && !in_time && rest.empty() && !number.has_decimals) {
      return number.whole * kWeek;
    }
    while (next_unit < kUnits.size() &&
           (kUnits[next_unit].letter != letter || kUnits[next_unit].time != in_time)) {
      ++next_unit;
    }
    if (next_unit == kUnits.size()) return Refused(text, kForm);
    if (number.has_decimals && letter != 'S') {
      return Refused(text, "only seconds can have decimal places");
    }
    sum += number.whole * kUnits[next_unit].length + absl::Nanoseconds(number.nanos);
    any = true;
    ++next_unit;
  }
  if (!any) return Refused(text, kForm);
  return sum;
}

// Takes `unit` out of `rest` as often as it goes, and writes that.
void AppendPart(absl::Duration unit, char letter, absl::Duration& rest, std::string& text) {
  const int64_t count = absl::IDivDuration(rest, unit, &rest);
  if (count != 0) absl::StrAppend(&text, count, std::string(1, letter));
}

}  // namespace

bool LooksLikeIsoDuration(absl::string_view text) {
  if (absl::StartsWith(text, "-") || absl::StartsWith(text, "+")) text.remove_prefix(1);
  return absl::StartsWith(text, "P");
}

absl::StatusOr<absl::Duration> ParseIsoDuration(absl::string_view text) {
  if (absl::StartsWith(text, "-")) return Refused(text, "it must be longer than zero");
  if (text.size() > kMaxText || !absl::StartsWith(text, "P")) return Refused(text, kForm);
  const auto duration = ParseParts(text, text.substr(1));
  if (!duration.ok()) return duration.status();
  if (*duration <= absl::ZeroDuration()) return Refused(text, "it must be longer than zero");
  if (*duration > kLongestDuration) return Refused(text, "it must be at most ten years (P3660D)");
  return duration;
}

std::string FormatIsoDuration(absl::Duration duration) {
  std::string text = "P";
  AppendPart(absl::Hours(24), 'D', duration, text);
  if (duration == absl::ZeroDuration()) return text;
  text.push_back('T');
  AppendPart(absl::Hours(1), 'H', duration, text);
  AppendPart(absl::Minutes(1), 'M', duration, text);
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &duration);
  if (duration != absl::ZeroDuration()) {
    const std::string nanos =
        absl::StrCat(absl::Dec(absl::ToInt64Nanoseconds(duration), absl::kZeroPad9));
    const size_t last = nanos.find_last_not_of('0');
    absl::StrAppend(&text, seconds, ".", nanos.substr(0, last + 1), "S");
  } else if (seconds != 0) {
    absl::StrAppend(&text, seconds, "S");
  }
  return text;
}

}  // namespace sealward
