// JWS signing inputs as a hijacked server might send them. What the header check
// lets through must be three members at most, with this alg and kid, by an
// independent reading.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base64url.h"
#include "hsm/header_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealward;
  // The input is a header in the clear, so that the fuzzer gets past base64url;
  // or, with a leading dot, a signing input as it is.
  std::string input(reinterpret_cast<const char*>(data), size);
  input = !input.empty() && input[0] == '.' ? input.substr(1)
                                            : Base64UrlEncode(input) + ".eyJzdWIiOiJ1In0";
  hsm::HeaderCheck check("ES256", "fake");
  const bool accepted = check.Check(input).ok();
  if (accepted != check.Check(input).ok()) abort();  // a remembered header means the same
  if (!accepted) return 0;
  const auto json = Base64UrlDecode(input.substr(0, input.find('.')));
  if (!json) abort();
  const auto header = nlohmann::json::parse(*json, nullptr, false);
  if (!header.is_object() || header.value("alg", "") != "ES256" ||
      header.value("kid", "") != "fake" || header.size() != 2U + header.count("typ")) {
    abort();
  }
  return 0;
}
