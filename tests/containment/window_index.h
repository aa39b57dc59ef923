// Finding secrets in a dump by any eight bytes of them.
#ifndef SEALWARD_TESTS_CONTAINMENT_WINDOW_INDEX_H_
#define SEALWARD_TESTS_CONTAINMENT_WINDOW_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sealward::containment {

// A secret in one of its spellings. A run of fewer than `least` bytes of it proves
// nothing: eight bytes at random, but sixteen characters of hexadecimal text.
struct Pattern {
  std::string id;
  size_t least = 0;
  std::string bytes;
};

// The longest piece of a pattern that a dump holds.
struct Finding {
  size_t pattern = 0;     // index of the Pattern
  size_t in_pattern = 0;  // where the piece begins in the pattern
  size_t length = 0;      // bytes
  size_t in_dump = 0;     // where it begins in the dump
  uint64_t count = 0;     // pieces that were met, of any length of at least `least`
};

inline constexpr size_t kWindowBytes = 8;
// A window of fewer different bytes (zeros, "AAAAAAAA") is met by chance.
inline constexpr size_t kLeastDistinctBytes = 4;

// WindowIndex holds every window of kWindowBytes of every pattern. Thread-compatible.
class WindowIndex {
 public:
  explicit WindowIndex(std::vector<Pattern> patterns);

  // One Finding for each pattern of which `dump` holds `least` bytes in a row.
  std::vector<Finding> Scan(std::string_view dump) const;

  const Pattern& pattern(size_t index) const { return patterns_[index]; }
  size_t patterns() const { return patterns_.size(); }
  size_t windows() const { return windows_.size(); }

 private:
  struct Window {
    uint64_t bytes = 0;
    uint32_t pattern = 0;
    uint32_t offset = 0;
  };

  void Add(uint32_t pattern);
  bool MayHold(uint64_t window) const;
  void Match(std::string_view dump, size_t at, std::vector<Finding>& longest,
             std::vector<size_t>& ends) const;

  std::vector<Pattern> patterns_;
  std::vector<Window> windows_;  // sorted by bytes
  std::vector<uint64_t> bits_;   // a bit for the hash of each window
  unsigned shift_ = 0;
};

}  // namespace sealward::containment

#endif  // SEALWARD_TESTS_CONTAINMENT_WINDOW_INDEX_H_
