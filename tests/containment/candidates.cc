#include "tests/containment/candidates.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <deque>
#include <unordered_set>

namespace sealward::containment {
namespace {

constexpr size_t kWordBytes = 8;
// Of eight random bytes seven or eight are different in 99 of 100 cases, at least five
// in all but one of 100,000.
constexpr ptrdiff_t kLeastDistinct = 5;

// One could be chance.
constexpr size_t kMostText = 1;

enum class Look { kRandom, kText, kOther };

Look LookOf(const char* word) {
  std::array<unsigned char, kWordBytes> bytes{};
  std::memcpy(bytes.data(), word, kWordBytes);
  // Addresses and small numbers, in both byte orders.
  if (bytes[6] == 0 && bytes[7] == 0) return Look::kOther;
  if (bytes[0] == 0 && bytes[1] == 0) return Look::kOther;
  const bool text =
      std::ranges::all_of(bytes, [](unsigned char byte) { return std::isprint(byte) != 0; });
  std::ranges::sort(bytes);
  if (std::unique(bytes.begin(), bytes.end()) - bytes.begin() < kLeastDistinct) return Look::kOther;
  return text ? Look::kText : Look::kRandom;
}

}  // namespace

std::vector<std::string_view> Candidates(std::string_view dump, size_t size) {
  std::vector<std::string_view> found;
  std::unordered_set<std::string_view> seen;
  std::deque<Look> row;  // of the words up to here, at most those of a candidate
  for (size_t at = 0; at + kWordBytes <= dump.size(); at += kWordBytes) {
    row.push_back(LookOf(dump.data() + at));
    if (row.back() == Look::kOther) row.clear();
    if (row.size() * kWordBytes > size) row.pop_front();
    if (row.size() * kWordBytes < size) continue;
    if (static_cast<size_t>(std::ranges::count(row, Look::kText)) > kMostText) continue;
    const std::string_view candidate = dump.substr(at + kWordBytes - size, size);
    if (seen.insert(candidate).second) found.push_back(candidate);
  }
  return found;
}

}  // namespace sealward::containment
