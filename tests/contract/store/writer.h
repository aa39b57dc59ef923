// What contract_writer writes: transaction n puts kWriterCounter = n, and
// WriterValue(n) under a/ and b/ at n modulo kWriterWindow.
#ifndef SEALWARD_TESTS_CONTRACT_STORE_WRITER_H_
#define SEALWARD_TESTS_CONTRACT_STORE_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace sealward::store {

inline constexpr char kWriterCounter[] = "counter";
inline constexpr int64_t kWriterWindow = 50;

// Long enough to need several pages of a file.
inline std::string WriterValue(int64_t n) {
  std::string value = absl::StrCat(n, ":");
  value.resize(10'000, static_cast<char>('a' + n % 26));
  return value;
}

}  // namespace sealward::store

#endif  // SEALWARD_TESTS_CONTRACT_STORE_WRITER_H_
