#include "tests/unit/jwk/vectors.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"

namespace sealward::testing {
namespace {

// One DER element (X.690 section 8.1), written without OpenSSL, so that the
// tests do not compare OpenSSL with itself.
std::string Der(char tag, absl::string_view content) {
  std::string out(1, tag);
  if (content.size() < 128) {
    out.push_back(static_cast<char>(content.size()));
  } else {
    out += {'\x82', static_cast<char>(content.size() >> 8), static_cast<char>(content.size())};
  }
  return absl::StrCat(out, content);
}

std::string Integer(absl::string_view base64url) {
  std::string octets = Base64UrlDecode(base64url).value();
  if ((octets[0] & 0x80) != 0) octets.insert(0, 1, '\0');
  return Der('\x02', octets);
}

}  // namespace

std::string EcSpki(absl::string_view x, absl::string_view y) {
  return absl::StrCat(
      absl::HexStringToBytes("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
      Base64UrlDecode(x).value(), Base64UrlDecode(y).value());
}

std::string P521Spki(absl::string_view x, absl::string_view y) {
  return absl::StrCat(
      absl::HexStringToBytes("30819b301006072a8648ce3d020106052b810400230381860004"),
      Base64UrlDecode(x).value(), Base64UrlDecode(y).value());
}

std::string Ed25519Spki(absl::string_view x) {
  return absl::StrCat(absl::HexStringToBytes("302a300506032b6570032100"),
                      Base64UrlDecode(x).value());
}

std::string RsaSpki(absl::string_view n, absl::string_view e) {
  const std::string key = Der('\x30', absl::StrCat(Integer(n), Integer(e)));
  return Der('\x30', absl::StrCat(absl::HexStringToBytes("300d06092a864886f70d0101010500"),
                                  Der('\x03', absl::StrCat(std::string(1, '\0'), key))));
}

}  // namespace sealward::testing
