#include "hsm/stack_burn.h"

#include <string.h>

#include "common/measures.h"

namespace sealward::hsm {

[[gnu::noinline]] void BurnStack() {
  if (SEALWARD_OMITTED(kStackBurn)) return;
  char below[kBurnBytes];
  explicit_bzero(below, sizeof below);
}

}  // namespace sealward::hsm
