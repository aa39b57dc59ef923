// What in a dump could be a key: words of high entropy where a compiler would put them.
#ifndef SEALWARD_TESTS_CONTAINMENT_CANDIDATES_H_
#define SEALWARD_TESTS_CONTAINMENT_CANDIDATES_H_

#include <cstddef>
#include <string_view>
#include <vector>

namespace sealward::containment {

// Every `size` bytes of `dump` that begin at a multiple of 8 and look random: no word of
// 8 bytes is a small number, an address, or the same few bytes again, and at most one is text
// (of random words one in 2,800 is). Passes by one of 6,000 secrets of 32 bytes, for two zeros
// at the end of a word. Each once, in the order of the dump, as views of it. REQUIRES: size is a
// multiple of 8.
std::vector<std::string_view> Candidates(std::string_view dump, size_t size);

}  // namespace sealward::containment

#endif  // SEALWARD_TESTS_CONTAINMENT_CANDIDATES_H_
