#include "server/signing/strict_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <forward_list>
#include <string>
#include <system_error>

#include "absl/container/inlined_vector.h"
#include "absl/strings/charconv.h"
#include "server/signing/utf8.h"

namespace sealward::signing {
namespace {

using Kind = JsonValue::Kind;

// Levels that the visitor is told of.
constexpr int kVisitedLevels = 2;
// Up to this many members of an object are compared pair by pair, above they
// are sorted: hostile texts hold tens of thousands.
constexpr size_t kPairwiseNames = 8;
// Integers of up to 15 digits are exact in a double.
constexpr size_t kMaxExactDigits = 15;

constexpr auto kPlainStringBytes = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Scanner reads one text once, from left to right. Every method that returns
// false has set the error.
class Scanner {
 public:
  Scanner(absl::string_view text, int max_depth, JsonVisitor visitor)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        max_depth_(max_depth),
        visitor_(visitor) {}

  std::optional<JsonError> Run() {
    SkipSpace();
    if (at_ == end_ || *at_ != '{') {
      Fail("a JSON object must start here (UTF-8 without a byte order mark)");
      return error_;
    }
    if (!ReadObject(1)) return error_;
    SkipSpace();
    if (at_ != end_) Fail("something follows the JSON object");
    return error_;
  }

 private:
  bool Fail(absl::string_view what) {
    error_ = JsonError{static_cast<size_t>(at_ - begin_), what};
    return false;
  }

  void SkipSpace() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  // Skips space and takes `c` if it comes next.
  bool Take(char c) {
    SkipSpace();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool Visit(int level, const JsonValue& value) {
    if (level > kVisitedLevels) return true;
    const auto refused = visitor_(level, member_, value);
    return refused ? Fail(*refused) : true;
  }

  // REQUIRES: at '{'. `depth` counts this object.
  bool ReadObject(int depth) {
    if (depth > max_depth_) return Fail("nested too deeply");
    ++at_;
    const size_t first_name = names_.size();
    if (!Take('}')) {
      do {
        SkipSpace();
        absl::string_view name;
        if (at_ == end_ || *at_ != '"') return Fail("a member name in quotes must stand here");
        if (!ReadString(name)) return false;
        names_.push_back(name);
        if (depth == 1) member_ = name;
        if (!Take(':')) return Fail("a colon must follow the member name");
        if (!ReadValue(depth)) return false;
      } while (Take(','));
      if (!Take('}')) return Fail("a comma or a closing brace must stand here");
    }
    if (HasDuplicate(first_name)) return Fail("a member name occurs twice in this object");
    names_.resize(first_name);
    return true;
  }

  // REQUIRES: at '['.
  bool ReadArray(int depth) {
    if (depth > max_depth_) return Fail("nested too deeply");
    ++at_;
    if (Take(']')) return true;
    do {
      if (!ReadValue(depth)) return false;
    } while (Take(','));
    return Take(']') ? true : Fail("a comma or a closing bracket must stand here");
  }

  // A value directly inside `depth` containers.
  bool ReadValue(int depth) {
    SkipSpace();
    if (at_ == end_) return Fail("the text ends too early");
    JsonValue value;
    switch (*at_) {
      case '{':
        value.kind = Kind::kObject;
        return Visit(depth, value) && ReadObject(depth + 1);
      case '[':
        value.kind = Kind::kArray;
        return Visit(depth, value) && ReadArray(depth + 1);
      case '"':
        value.kind = Kind::kString;
        return ReadString(value.text) && Visit(depth, value);
      case 't':
        value.kind = Kind::kBoolean;
        return ReadWord("true") && Visit(depth, value);
      case 'f':
        value.kind = Kind::kBoolean;
        return ReadWord("false") && Visit(depth, value);
      case 'n':
        return ReadWord("null") && Visit(depth, value);
      default:
        value.kind = Kind::kNumber;
        return ReadNumber(value.number) && Visit(depth, value);
    }
  }

  bool ReadWord(absl::string_view word) {
    if (absl::string_view(at_, static_cast<size_t>(end_ - at_)).substr(0, word.size()) != word) {
      return Fail("no JSON value");
    }
    at_ += word.size();
    return true;
  }

  // Whether the next is a digit; takes all that follow.
  bool TakeDigits() {
    const char* const first = at_;
    while (at_ != end_ && IsDigit(*at_)) ++at_;
    return at_ != first;
  }

  // RFC 8259 section 6.
  bool ReadNumber(double& number) {
    const char* const first = at_;
    const bool negative = *at_ == '-';
    if (negative) ++at_;
    const char* const digits = at_;
    if (at_ != end_ && *at_ == '0') {
      ++at_;
      if (at_ != end_ && IsDigit(*at_)) return Fail("a number with a leading zero");
    } else if (!TakeDigits()) {
      return Fail("no JSON value");
    }
    const bool exact = static_cast<size_t>(at_ - digits) <= kMaxExactDigits;
    bool integer = true;
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      integer = false;
      if (!TakeDigits()) return Fail("a number without digits after its point");
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      integer = false;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!TakeDigits()) return Fail("a number without digits in its exponent");
    }
    if (integer && exact) {
      int64_t value = 0;
      for (const char* p = digits; p != at_; ++p) value = value * 10 + (*p - '0');
      number = negative ? -static_cast<double>(value) : static_cast<double>(value);
      return true;
    }
    return ConvertNumber(first, number);
  }

  bool ConvertNumber(const char* first, double& number) {
    const auto result = absl::from_chars(first, at_, number);
    if (result.ptr != at_) return Fail("no JSON value");
    if (result.ec == std::errc() && std::isfinite(number)) return true;
    // absl sets the largest double where a number overflows, and one of at most
    // the smallest normal one where it underflows, which harms nobody.
    if (result.ec == std::errc::result_out_of_range && std::fabs(number) < 1) return true;
    return Fail("a number that overflows a double");
  }

  // REQUIRES: at '"'. The view points into the text where there are no escapes.
  bool ReadString(absl::string_view& out) {
    const char* const first = ++at_;
    while (at_ != end_) {
      if (kPlainStringBytes[static_cast<unsigned char>(*at_)]) {
        ++at_;
        continue;
      }
      if (*at_ == '"') {
        out = absl::string_view(first, static_cast<size_t>(at_ - first));
        ++at_;
        return true;
      }
      if (*at_ == '\\') return ReadEscapedString(first, out);
      if (!TakeUtf8()) return false;
    }
    return Fail("a string without its closing quote");
  }

  bool TakeUtf8() {
    const size_t length = Utf8SequenceLength(at_, end_);
    if (length == 0) {
      return Fail(static_cast<unsigned char>(*at_) < 0x20 ? "a control character in a string"
                                                          : "no valid UTF-8");
    }
    at_ += length;
    return true;
  }

  // Goes on from the first backslash of the string that starts at `first`.
  bool ReadEscapedString(const char* first, absl::string_view& out) {
    std::string& decoded = decoded_.emplace_front(first, static_cast<size_t>(at_ - first));
    while (at_ != end_) {
      const char* const from = at_;
      if (*at_ == '"') {
        ++at_;
        out = decoded;
        return true;
      }
      if (*at_ == '\\') {
        if (!ReadEscape(decoded)) return false;
        continue;
      }
      if (kPlainStringBytes[static_cast<unsigned char>(*at_)]) {
        ++at_;
      } else if (!TakeUtf8()) {
        return false;
      }
      decoded.append(from, static_cast<size_t>(at_ - from));
    }
    return Fail("a string without its closing quote");
  }

  // REQUIRES: at '\\'.
  bool ReadEscape(std::string& out) {
    static constexpr absl::string_view kEscapes = "\"\\/bfnrt";
    static constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (at_ == end_) return Fail("a string without its closing quote");
    if (*at_ == 'u') return ReadUnicodeEscape(out);
    const size_t i = kEscapes.find(*at_);
    if (i == absl::string_view::npos) return Fail("an unknown escape in a string");
    out.push_back(kMeanings[i]);
    ++at_;
    return true;
  }

  // REQUIRES: at 'u'. RFC 8259 section 7: surrogates only in pairs.
  bool ReadUnicodeEscape(std::string& out) {
    uint32_t code = 0;
    if (!ReadFourHex(code)) return false;
    if (code == 0) return Fail("a NUL in a string");
    if (code >= 0xDC00 && code <= 0xDFFF) return Fail("an unpaired surrogate in a string");
    if (code >= 0xD800 && code <= 0xDBFF) {
      uint32_t low = 0;
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') {
        return Fail("an unpaired surrogate in a string");
      }
      ++at_;
      if (!ReadFourHex(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return Fail("an unpaired surrogate in a string");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(code, out);
    return true;
  }

  // REQUIRES: at 'u'.
  bool ReadFourHex(uint32_t& code) {
    ++at_;
    if (end_ - at_ < 4) return Fail("a \\u escape without four hexadecimal digits");
    for (int i = 0; i < 4; ++i, ++at_) {
      const int digit = HexValue(*at_);
      if (digit < 0) return Fail("a \\u escape without four hexadecimal digits");
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  // Whether two of the names from index `first` on are the same. May reorder
  // them.
  bool HasDuplicate(size_t first) {
    const auto from = names_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto to = names_.end();
    if (names_.size() - first > kPairwiseNames) {
      std::sort(from, to);
      return std::adjacent_find(from, to) != to;
    }
    for (auto a = from; a != to; ++a) {
      if (std::find(from, a, *a) != a) return true;
    }
    return false;
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const int max_depth_;
  JsonVisitor visitor_;
  absl::string_view member_;
  // Names of the objects that are open, outermost first.
  absl::InlinedVector<absl::string_view, 32> names_;
  std::forward_list<std::string> decoded_;  // strings with escapes; they stay where they are
  std::optional<JsonError> error_;
};

}  // namespace

std::optional<JsonError> ScanJsonObject(absl::string_view text, int max_depth,
                                        JsonVisitor visitor) {
  return Scanner(text, max_depth, visitor).Run();
}

}  // namespace sealward::signing
