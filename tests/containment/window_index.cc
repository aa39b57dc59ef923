#include "tests/containment/window_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace sealward::containment {
namespace {

// So few of the bits are set that most of a dump is passed by with one look.
constexpr size_t kBitsPerWindow = 32;
constexpr size_t kPageBytes = 4096;
constexpr size_t kLeastBits = size_t{1} << 16;

uint64_t Load(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Whether a whole page is zero.
bool IsZero(std::string_view page) {
  return page.size() == kPageBytes && page.front() == 0 &&
         std::memcmp(page.data(), page.data() + 1, kPageBytes - 1) == 0;
}

// Fibonacci hashing: the upper bits of the product.
uint64_t Hash(uint64_t window) { return window * 0x9E3779B97F4A7C15U; }

bool IsTelling(uint64_t window) {
  auto bytes = std::bit_cast<std::array<unsigned char, kWindowBytes>>(window);
  std::ranges::sort(bytes);
  return std::unique(bytes.begin(), bytes.end()) - bytes.begin() >=
         static_cast<ptrdiff_t>(kLeastDistinctBytes);
}

}  // namespace

WindowIndex::WindowIndex(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {
  for (uint32_t i = 0; i < patterns_.size(); ++i) Add(i);
  std::ranges::sort(windows_, {}, &Window::bytes);
  const size_t bits = std::bit_ceil(std::max(kLeastBits, windows_.size() * kBitsPerWindow));
  bits_.resize(bits / 64);
  shift_ = static_cast<unsigned>(64 - std::countr_zero(bits));
  for (const Window& window : windows_) {
    const uint64_t bit = Hash(window.bytes) >> shift_;
    bits_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
}

void WindowIndex::Add(uint32_t pattern) {
  const std::string& bytes = patterns_[pattern].bytes;
  for (size_t at = 0; at + kWindowBytes <= bytes.size(); ++at) {
    const uint64_t window = Load(bytes.data() + at);
    if (IsTelling(window)) windows_.push_back({window, pattern, static_cast<uint32_t>(at)});
  }
}

bool WindowIndex::MayHold(uint64_t window) const {
  const uint64_t bit = Hash(window) >> shift_;
  return (bits_[bit / 64] >> (bit % 64) & 1) != 0;
}

std::vector<Finding> WindowIndex::Scan(std::string_view dump) const {
  std::vector<Finding> longest(patterns_.size());
  // Up to where in the dump each pattern's last piece reached: a piece is looked at once.
  std::vector<size_t> ends(patterns_.size(), 0);
  for (size_t at = 0; at + kWindowBytes <= dump.size(); ++at) {
    // Nine tenths of a core are pages that were never touched.
    if (at % kPageBytes == 0 && IsZero(dump.substr(at, kPageBytes))) {
      at += kPageBytes - kWindowBytes;
      continue;
    }
    if (MayHold(Load(dump.data() + at))) Match(dump, at, longest, ends);
  }
  std::erase_if(longest, [](const Finding& finding) { return finding.count == 0; });
  return longest;
}

void WindowIndex::Match(std::string_view dump, size_t at, std::vector<Finding>& longest,
                        std::vector<size_t>& ends) const {
  for (const Window& window :
       std::ranges::equal_range(windows_, Load(dump.data() + at), {}, &Window::bytes)) {
    if (at + kWindowBytes <= ends[window.pattern]) continue;
    const Pattern& pattern = patterns_[window.pattern];
    size_t begin = 0;
    while (begin < std::min<size_t>(at, window.offset) &&
           dump[at - begin - 1] == pattern.bytes[window.offset - begin - 1]) {
      ++begin;
    }
    size_t end = kWindowBytes;
    while (at + end < dump.size() && window.offset + end < pattern.bytes.size() &&
           dump[at + end] == pattern.bytes[window.offset + end]) {
      ++end;
    }
    ends[window.pattern] = at + end;
    if (begin + end < pattern.least) continue;
    Finding& best = longest[window.pattern];
    const uint64_t count = best.count + 1;
    if (begin + end > best.length) {
      best = {window.pattern, window.offset - begin, begin + end, at - begin, count};
    }
    best.count = count;
  }
}

}  // namespace sealward::containment
