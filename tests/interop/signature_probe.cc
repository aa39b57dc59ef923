// Answers, line by line, whether Sealward would take a signature: for test vectors of others,
// which come as JSON that Python reads better.
//
//   raw NAME SPKI MESSAGE SIGNATURE SALT    hex, "-" for empty; SALT in bytes, "-" for the usual
//   jws NAME SPKI COMPACT                   NAME as in common/algorithms.h
//
// Prints "yes", or "no" and why.
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "common/base64url.h"
#include "common/verifier.h"
#include "server/signing/signing_input.h"

namespace {

using sealward::AlgorithmInfo;
using sealward::Verifier;

std::string FromHex(const std::string& text) {
  return text == "-" ? "" : absl::HexStringToBytes(text);
}

std::string CheckRaw(Verifier& verifier, const std::string& message, const std::string& signature,
                     const std::string& salt) {
  sealward::SignatureInput input{.data = message};
  size_t bytes = 0;
  if (absl::SimpleAtoi(salt, &bytes)) input.pss_salt_bytes = bytes;
  return verifier.Verify(input, signature) ? "yes" : "no: the signature";
}

std::string CheckJws(Verifier& verifier, const AlgorithmInfo& algorithm,
                     const std::string& compact) {
  const size_t dot = compact.rfind('.');
  if (dot == std::string::npos) return "no: not a JWS";
  const auto signature = sealward::Base64UrlDecode(compact.substr(dot + 1));
  if (!signature) return "no: the signature's encoding";
  const std::string input = compact.substr(0, dot);
  const auto read = sealward::signing::ReadSigningInput(input);
  if (!read.ok()) return "no: " + std::string(read.status().message());
  if (read->header.alg != algorithm.jose_alg) return "no: the alg";
  return verifier.Verify(input, *signature) ? "yes" : "no: the signature";
}

std::string Answer(const std::vector<std::string>& words) {
  if (words.size() < 4) return "no: too few words";
  const AlgorithmInfo* algorithm = sealward::FindAlgorithmByName(words[1]);
  if (algorithm == nullptr) return "no: the algorithm";
  auto verifier = Verifier::Create(*algorithm, FromHex(words[2]));
  if (!verifier.ok()) return "no: the key";
  if (words[0] == "jws") return CheckJws(**verifier, *algorithm, words[3]);
  if (words.size() != 6) return "no: not six words";
  return CheckRaw(**verifier, FromHex(words[3]), FromHex(words[4]), words[5]);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    std::cout << Answer(words) << "\n";
  }
}
