#include "server/api/request_id.h"

#include <atomic>
#include <cstdint>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace sealward::api {

std::string NewRequestId() {
  constexpr uint64_t kStartBits = 48;
  static const uint64_t start = absl::Uniform<uint64_t>(absl::BitGen()) >> (64 - kStartBits);
  static std::atomic<uint64_t> counter{0};
  return absl::StrCat(absl::Hex(start, absl::kZeroPad12), "-",
                      absl::Hex(counter.fetch_add(1, std::memory_order_relaxed) + 1));
}

}  // namespace sealward::api
