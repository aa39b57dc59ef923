// The two input forms of SignJwt against each other. The same claims get the same decision,
// to the letter; and a whole signing input that is signed means to another parser what the
// key's scope allows.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base64url.h"
#include "hsm/header_check.h"
#include "server/signing/claims.h"
#include "server/signing/signer.h"
#include "tests/fakes/key_rig.h"

namespace {

using nlohmann::json;
using sealward::signing::SignedJwt;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "the two forms differ: %s\n", what);
  std::abort();
}

// One key, made once: fuzzing is about inputs.
class Door {
 public:
  Door()
      : route_({&rig_.partitions, &rig_.withheld, rig_.epochs.get(), &rig_.clock,
                [](const sealward::catalog::KeyVersion&) { std::abort(); }}) {
    rig_.AddTenantAndIssuer();
    key_ = *rig_.manager->CreateKey(sealward::fakes::KeyRig::NewKey(), absl::InfiniteFuture());
    header_ = sealward::Base64UrlEncode(
        absl::StrCat(R"({"alg":"ES256","kid":")", key_->versions[0]->jwk.kid(), R"("})"));
  }

  absl::StatusOr<SignedJwt> SignClaims(const std::string& claims) {
    return Sign({.key = key_.get(), .claims = claims, .typ = "", .done = nullptr});
  }
  absl::StatusOr<SignedJwt> SignReady(const std::string& input) {
    return Sign(
        {.key = key_.get(), .claims = "", .typ = "", .done = nullptr, .signing_input = input});
  }
  std::string Ready(const std::string& claims) const {
    return absl::StrCat(header_, ".", sealward::Base64UrlEncode(claims));
  }
  // The lines of a header and of claims; "$KID" stands for the kid, which no seed can know.
  std::string ReadyWithHeader(const std::string& text) const {
    const size_t end = text.find('\n');
    const std::string header =
        absl::StrReplaceAll(text.substr(0, end), {{"$KID", key_->versions[0]->jwk.kid()}});
    const std::string claims = end == std::string::npos ? "" : text.substr(end + 1);
    return absl::StrCat(sealward::Base64UrlEncode(header), ".", sealward::Base64UrlEncode(claims));
  }

  void CheckSigned(const std::string& input) const {
    // What the server lets pass, the signer must not refuse: it would look like a fault of ours.
    sealward::hsm::HeaderCheck signer("ES256", key_->versions[0]->jwk.kid());
    Require(signer.Check(input).ok(), "sealward-hsm refuses it");
    const size_t dot = input.find('.');
    const auto header = sealward::Base64UrlDecode(input.substr(0, dot));
    const auto claims = sealward::Base64UrlDecode(input.substr(dot + 1));
    Require(header && claims, "signed what is not base64url");
    const json parsed = json::parse(*header, nullptr, /*allow_exceptions=*/false);
    Require(parsed.is_object() && parsed.size() == (parsed.contains("typ") ? 3U : 2U),
            "signed a header with other members");
    Require(parsed["alg"] == "ES256" && parsed["kid"] == key_->versions[0]->jwk.kid(),
            "signed another alg or kid");
    if (parsed.contains("typ")) Require(parsed["typ"] == "JWT", "signed another typ");
    Require(sealward::signing::CheckClaims(*key_, *claims, rig_.clock.Now()).ok(),
            "signed claims that the check refuses");
  }

 private:
  absl::StatusOr<SignedJwt> Sign(sealward::signing::SignRequest request) {
    absl::StatusOr<SignedJwt> answer;
    request.done = [&answer](absl::StatusOr<SignedJwt> jwt) { answer = std::move(jwt); };
    signer_.Sign(std::move(request));
    return answer;
  }

  sealward::fakes::KeyRig rig_;
  sealward::signing::Route route_;
  sealward::signing::Signer signer_{&route_};
  std::shared_ptr<const sealward::catalog::Key> key_;
  std::string header_;
};

Door& TheDoor() {
  static auto* const door = new Door();
  return *door;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Door& door = TheDoor();
  const std::string text(reinterpret_cast<const char*>(data), size);
  Require(door.SignClaims(text).status() == door.SignReady(door.Ready(text)).status(),
          "one form takes claims that the other refuses");
  for (const std::string& input : {text, door.ReadyWithHeader(text)}) {
    if (door.SignReady(input).ok()) door.CheckSigned(input);
  }
  return 0;
}
