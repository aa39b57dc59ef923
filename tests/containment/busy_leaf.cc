// A function that calls nothing and keeps its locals by the frame pointer: for its time the
// stack pointer is not looked at, and at its end it is had back from the frame pointer. Says
// when it begins, and ends by itself.
#include <unistd.h>

#include <cstdint>

namespace {

// Some seconds: the attack has to come before the end.
constexpr uint64_t kRounds = 3'000'000'000;

[[gnu::noinline]] void Leaf() {
  volatile char block[4096] = {};
  for (uint64_t i = 0; i < kRounds; ++i) block[i % sizeof(block)] = 1;
}

}  // namespace

int main() {
  if (write(STDOUT_FILENO, "\n", 1) != 1) return 1;
  Leaf();
  return 0;
}
