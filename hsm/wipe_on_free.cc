#include "hsm/wipe_on_free.h"

#include <malloc.h>
#include <string.h>

#include <algorithm>
#include <cstddef>

#include "common/measures.h"

#ifndef SEALWARD_SANITIZED

// glibc's own, under the names that it exports for allocators such as this one.
extern "C" void __libc_free(void* block);
extern "C" void* __libc_malloc(size_t size);

namespace {

// Constant-initialised: free is called before any constructor.
bool wiping = true;

}  // namespace

extern "C" void free(void* block) {
  if (block == nullptr) return;
  if (wiping) explicit_bzero(block, malloc_usable_size(block));
  __libc_free(block);
}

// glibc's would give the old block back as it is.
extern "C" void* realloc(void* block, size_t size) {
  if (block == nullptr) return __libc_malloc(size);
  if (size == 0) {
    free(block);
    return nullptr;
  }
  const size_t room = malloc_usable_size(block);
  if (size <= room && size >= room / 2) return block;
  void* const grown = __libc_malloc(size);
  if (grown == nullptr) return nullptr;
  memcpy(grown, block, std::min(room, size));
  free(block);
  return grown;
}

#endif  // SEALWARD_SANITIZED

namespace sealward::hsm {

void StartWipingOnFree() {
#ifndef SEALWARD_SANITIZED
  wiping = !SEALWARD_OMITTED(kWipeOnFree);
#endif
}

}  // namespace sealward::hsm
