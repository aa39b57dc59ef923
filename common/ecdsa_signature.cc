#include "common/ecdsa_signature.h"

#include <array>
#include <cstring>

namespace sealward {
namespace {

constexpr unsigned char kDerSequence = 0x30;
constexpr unsigned char kDerInteger = 0x02;
constexpr unsigned char kLongLength = 0x81;  // one byte of length follows
constexpr size_t kShortLengths = 0x80;

// Writes `scalar` as a DER INTEGER (X.690 section 8.3): without leading zeros,
// but for one where the first bit is set. Returns the byte after it.
unsigned char* PutInteger(absl::string_view scalar, unsigned char* out) {
  while (scalar.size() > 1 && scalar.front() == 0) scalar.remove_prefix(1);
  const bool pad = (static_cast<unsigned char>(scalar.front()) & 0x80) != 0;
  *out++ = kDerInteger;
  *out++ = static_cast<unsigned char>(scalar.size() + (pad ? 1 : 0));
  if (pad) *out++ = 0;
  std::memcpy(out, scalar.data(), scalar.size());
  return out + scalar.size();
}

}  // namespace

size_t EcdsaToDer(absl::string_view signature, unsigned char* out) {
  std::array<unsigned char, kMaxDerSignatureBytes> integers;
  const size_t half = signature.size() / 2;
  unsigned char* end = PutInteger(signature.substr(0, half), integers.data());
  end = PutInteger(signature.substr(half), end);
  const auto size = static_cast<size_t>(end - integers.data());
  unsigned char* at = out;
  *at++ = kDerSequence;
  if (size >= kShortLengths) *at++ = kLongLength;
  *at++ = static_cast<unsigned char>(size);
  std::memcpy(at, integers.data(), size);
  return static_cast<size_t>(at - out) + size;
}

}  // namespace sealward
