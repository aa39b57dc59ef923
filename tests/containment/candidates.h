// What in a dump could be a key: words of high entropy where a compiler would put them.
#ifndef SEALWARD_TESTS_CONTAINMENT_CANDIDATES_H_
#define SEALWARD_TESTS_CONTAINMENT_CANDIDATES_H_

#include <cstddef>
#include <string_view>
#include <vector>

namespace sealward::containment {

// Every `size` bytes of `dump` that begin at a multiple of 8 and look random: no word of
// 8 bytes is a small number, an address, text, or the same few bytes again. Each once, in
// the order of the dump, as views of it. REQUIRES: size is a multiple of 8.
std::vector<std::string_view> Candidates(std::string_view dump, size_t size);

}  // namespace sealward::containment

#endif  // SEALWARD_TESTS_CONTAINMENT_CANDIDATES_H_
