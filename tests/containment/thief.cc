// containment_thief PUBLIC FILE…: the keys that a thief gets out of a dump without
// knowing any, from what is public: keys of the JWKS, and JWTs.
//
// PUBLIC is JSON: {"ec":[{"name":…,"x":hex,"y":hex,"signatures":[{"h":hex,"r":hex,"s":hex}…]}],
// "rsa":[{"name":…,"n":hex}],"ed":[{"name":…,"x":hex}]}. Each candidate of the dump
// (candidates.h) is tried, in both byte orders, as an RSA prime, an Ed25519 seed, a P-256
// key, and as what is worth as much with a signature: its nonce and the numbers of its
// equation (public_keys.cc).
// A key that was found is a line {"file":…,"key":name,"by":…} (Opened), and a file ends with
// {"file":…,"tried":candidates,"of":all}. A file with more than kMostCandidates of a size is not
// tried to its end; `tried` and `of` then differ.
#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/containment/candidates.h"
#include "tests/containment/mapped_file.h"
#include "tests/containment/public_keys.h"

namespace sealward::containment {
namespace {

using Json = nlohmann::json;

// 0.2 ms each.
constexpr size_t kMostCandidates = 400'000;

std::string Unhex(const Json& object, const char* member) {
  return absl::HexStringToBytes(object.at(member).get<std::string>());
}

std::vector<std::unique_ptr<PublicKey>> ReadKeys(const std::string& path) {
  const Json all = Json::parse(std::ifstream(path));
  std::vector<std::unique_ptr<PublicKey>> keys;
  for (const Json& rsa : all.value("rsa", Json::array())) {
    keys.push_back(MakeRsaKey(rsa.at("name"), Unhex(rsa, "n")));
  }
  for (const Json& ed : all.value("ed", Json::array())) {
    keys.push_back(MakeEd25519Key(ed.at("name"), Unhex(ed, "x")));
  }
  std::vector<EcPublicKey> curve;
  for (const Json& ec : all.value("ec", Json::array())) {
    EcPublicKey key{ec.at("name"), Unhex(ec, "x"), Unhex(ec, "y"), {}};
    for (const Json& each : ec.at("signatures")) {
      key.signatures.push_back({Unhex(each, "h"), Unhex(each, "r"), Unhex(each, "s")});
    }
    curve.push_back(std::move(key));
  }
  if (!curve.empty()) keys.push_back(MakeP256Keys(std::move(curve)));
  return keys;
}

class Theft {
 public:
  explicit Theft(const std::string& path) : path_(path), file_(path) {}

  void Try(const PublicKey& key) {
    const std::vector<std::string_view>& all = CandidatesOf(key.secret_bytes());
    const size_t tried = std::min(all.size(), kMostCandidates);
    for (size_t i = 0; i < tried; ++i) {
      const std::string forwards(all[i]);
      const std::string backwards(forwards.rbegin(), forwards.rend());
      for (const std::string& spelling : {forwards, backwards}) Report(key.Opens(spelling));
    }
    tried_ += tried;
    of_ += all.size();
  }

  void End() const { std::cout << Json{{"file", path_}, {"tried", tried_}, {"of", of_}} << "\n"; }

 private:
  const std::vector<std::string_view>& CandidatesOf(size_t size) {
    auto [entry, is_new] = candidates_.try_emplace(size);
    if (is_new) entry->second = Candidates(file_.bytes(), size);
    return entry->second;
  }

  void Report(const std::optional<Opened>& opened) {
    if (!opened || !found_.emplace(opened->key, opened->by).second) return;
    std::cout << Json{{"file", path_}, {"key", opened->key}, {"by", opened->by}} << "\n";
  }

  std::string path_;
  MappedFile file_;
  std::map<size_t, std::vector<std::string_view>> candidates_;
  std::set<std::pair<std::string, std::string>> found_;
  size_t tried_ = 0;
  size_t of_ = 0;
};

}  // namespace
}  // namespace sealward::containment

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: containment_thief PUBLIC FILE...\n";
    return 1;
  }
  try {
    const auto keys = sealward::containment::ReadKeys(argv[1]);
    for (int i = 2; i < argc; ++i) {
      sealward::containment::Theft theft(argv[i]);
      for (const auto& key : keys) theft.Try(*key);
      theft.End();
    }
  } catch (const std::exception& error) {
    std::cerr << "containment_thief: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
