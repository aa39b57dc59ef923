#include "hsm/stack_burn.h"

#include <string.h>

#include <cstddef>

namespace sealward::hsm {
namespace {

constexpr size_t kBurnBytes = 128 * 1024;

}  // namespace

[[gnu::noinline]] void BurnStack() {
  char below[kBurnBytes];
  explicit_bzero(below, sizeof below);
}

}  // namespace sealward::hsm
