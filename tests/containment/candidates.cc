#include "tests/containment/candidates.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <unordered_set>

namespace sealward::containment {
namespace {

constexpr size_t kWordBytes = 8;
// Of eight random bytes seven or eight are different in 99 of 100 cases, at least five
// in all but one of 100,000.
constexpr ptrdiff_t kLeastDistinct = 5;

bool LooksRandom(const char* word) {
  std::array<unsigned char, kWordBytes> bytes{};
  std::memcpy(bytes.data(), word, kWordBytes);
  // Addresses and small numbers, in both byte orders.
  if (bytes[6] == 0 && bytes[7] == 0) return false;
  if (bytes[0] == 0 && bytes[1] == 0) return false;
  if (std::ranges::all_of(bytes, [](unsigned char byte) { return std::isprint(byte) != 0; })) {
    return false;
  }
  std::ranges::sort(bytes);
  return std::unique(bytes.begin(), bytes.end()) - bytes.begin() >= kLeastDistinct;
}

}  // namespace

std::vector<std::string_view> Candidates(std::string_view dump, size_t size) {
  std::vector<std::string_view> found;
  std::unordered_set<std::string_view> seen;
  size_t random_words = 0;  // in a row, up to here
  for (size_t at = 0; at + kWordBytes <= dump.size(); at += kWordBytes) {
    random_words = LooksRandom(dump.data() + at) ? random_words + 1 : 0;
    if (random_words * kWordBytes < size) continue;
    const std::string_view candidate = dump.substr(at + kWordBytes - size, size);
    if (seen.insert(candidate).second) found.push_back(candidate);
  }
  return found;
}

}  // namespace sealward::containment
