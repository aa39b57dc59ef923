#include "common/curve.h"

#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>

namespace sealward {
namespace {

constexpr std::array kCurves = {
    Curve{"P-256", NID_X9_62_prime256v1, SN_X9_62_prime256v1,
          absl::string_view("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86"
                            "\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04",
                            27)},
    Curve{"P-384", NID_secp384r1, SN_secp384r1,
          absl::string_view("\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81"
                            "\x04\x00\x22\x03\x62\x00\x04",
                            24)},
    Curve{"P-521", NID_secp521r1, SN_secp521r1,
          absl::string_view("\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b"
                            "\x81\x04\x00\x23\x03\x81\x86\x00\x04",
                            26)},
};

}  // namespace

const Curve* FindCurve(const AlgorithmInfo& algorithm) {
  const auto* row = std::ranges::find(kCurves, algorithm.crv, &Curve::crv);
  return row == kCurves.end() ? nullptr : row;
}

}  // namespace sealward
