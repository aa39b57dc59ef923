// R || S to DER. If these go, X.509 and TLS stacks refuse now and then a signature that is
// good: one in 256 has a leading zero, every second one a leading bit.
#include "common/ecdsa_signature.h"

#include <gtest/gtest.h>
#include <openssl/ecdsa.h>

#include <array>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace sealward {
namespace {

std::string ToDer(const std::string& signature) {
  std::array<unsigned char, kMaxDerSignatureBytes> der;
  const size_t size = EcdsaToDer(signature, der.data());
  return {reinterpret_cast<const char*>(der.data()), size};
}

// OpenSSL's encoding of the same numbers.
std::string OpenSslDer(const std::string& signature) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
  const int half = static_cast<int>(signature.size() / 2);
  ECDSA_SIG* numbers = ECDSA_SIG_new();
  ECDSA_SIG_set0(numbers, BN_bin2bn(bytes, half, nullptr), BN_bin2bn(bytes + half, half, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers, &der);
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  ECDSA_SIG_free(numbers);
  return out;
}

TEST(EcdsaSignatureTest, IsWhatOpenSslWrites) {
  for (const size_t scalar : {32U, 48U, 66U}) {
    for (const char first : {'\x00', '\x01', '\x7f', '\x80', '\xff'}) {
      for (const char second : {'\x00', '\x7f', '\x80'}) {
        std::string half(scalar, '\x5a');
        half[0] = first;
        half[1] = second;
        const std::string other(scalar, '\xa5');
        EXPECT_EQ(absl::BytesToHexString(ToDer(half + other)),
                  absl::BytesToHexString(OpenSslDer(half + other)));
        EXPECT_EQ(ToDer(other + half), OpenSslDer(other + half));
      }
    }
  }
}

TEST(EcdsaSignatureTest, ZeroAndTheLongestFit) {
  EXPECT_EQ(ToDer(std::string(64, '\0')), OpenSslDer(std::string(64, '\0')));
  const std::string longest(2 * kMaxScalarBytes, '\xff');
  EXPECT_EQ(ToDer(longest), OpenSslDer(longest));
  EXPECT_EQ(ToDer(longest).size(), kMaxDerSignatureBytes);
}

}  // namespace
}  // namespace sealward
