// A program linked as none of ours may be: the control of elf_flags_test.py.
#include <cstdio>

int main() { return std::puts("lazy") > 0 ? 0 : 1; }
