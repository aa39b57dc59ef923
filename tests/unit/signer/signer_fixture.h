// A signer over a key that is there, with a fake partition and a clock that tests move.
#ifndef SEALWARD_TESTS_UNIT_SIGNER_SIGNER_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_SIGNER_SIGNER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "server/signing/signer.h"
#include "tests/fakes/key_rig.h"

namespace sealward::signing {

class SignerTest : public ::testing::Test {
 protected:
  SignerTest()
      : route_({&rig_.partitions, &rig_.withheld, rig_.epochs.get(), &rig_.clock,
                [this](const catalog::KeyVersion&) { ++bad_signatures_; }}) {
    rig_.AddTenantAndIssuer();
    key_ = *rig_.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture());
  }

  std::string Claims() const {
    return absl::StrCat(R"({"iss":")", key_->issuer->issuer_url, R"(","aud":"mail","exp":)",
                        absl::ToUnixSeconds(rig_.clock.Now()) + 600, "}");
  }

  absl::StatusOr<SignedJwt> Sign(const std::string& claims, const std::string& typ = "") {
    absl::StatusOr<SignedJwt> answer;
    int calls = 0;
    signer_.Sign(
        {key_.get(), claims, typ, absl::InfiniteFuture(), [&](absl::StatusOr<SignedJwt> jwt) {
           answer = std::move(jwt);
           ++calls;
         }});
    EXPECT_EQ(calls, 1);
    return answer;
  }

  // A ready signing input of this header and these claims, as an issuer library makes it.
  static std::string Ready(const std::string& header, const std::string& claims) {
    return absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(claims));
  }
  // The header of the first version, and what `more` adds, for example `,"typ":"JWT"`.
  std::string Header(const std::string& more = "", const std::string& alg = "ES256") const {
    return absl::StrCat(R"({"alg":")", alg, R"(","kid":")", Version(0).jwk.kid(), "\"", more, "}");
  }

  absl::StatusOr<SignedJwt> SignReady(const std::string& input, const std::string& typ = "") {
    absl::StatusOr<SignedJwt> answer;
    signer_.Sign({.key = key_.get(),
                  .claims = "",
                  .typ = typ,
                  .done = [&](absl::StatusOr<SignedJwt> jwt) { answer = std::move(jwt); },
                  .signing_input = input});
    return answer;
  }

  const catalog::KeyVersion& Version(size_t index) const { return *key_->versions[index]; }

  fakes::KeyRig rig_;
  int bad_signatures_ = 0;
  Route route_;
  Signer signer_{&route_};
  std::shared_ptr<const catalog::Key> key_;
};

}  // namespace sealward::signing

#endif  // SEALWARD_TESTS_UNIT_SIGNER_SIGNER_FIXTURE_H_
