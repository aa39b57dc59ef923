#include "tests/bench/answer_check.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sealward::bench {

absl::StatusOr<std::unique_ptr<KeyUnderLoad>> KeyUnderLoad::Create(const Json& config) {
  auto key = std::make_unique<KeyUnderLoad>();
  key->alg_ = config.at("alg");
  absl::StatusOr<const Scheme*> scheme = SchemeOf(key->alg_);
  if (!scheme.ok()) return scheme.status();
  for (const auto& [kid, spki] : config.at("kids").items()) {
    auto verifier =
        ReferenceVerifier::Create(**scheme, absl::HexStringToBytes(spki.get<std::string>()));
    if (!verifier.ok()) return verifier.status();
    key->verifiers_[kid] = std::move(*verifier);
  }
  Json claims = config.at("claims");
  for (size_t i = 0; i < kRequests; ++i) {
    claims["jti"] = absl::StrCat("bench-", absl::Dec(i, absl::kZeroPad8));
    v1::SignJwtRequest& request = key->requests_.emplace_back();
    request.set_key(config.at("resource"));
    request.set_claims(claims.dump());
  }
  return key;
}

absl::Status KeyUnderLoad::CheckJwt(const v1::SignJwtRequest& request,
                                    const v1::SignJwtResponse& response) {
  const std::vector<std::string> parts = absl::StrSplit(response.jwt(), '.');
  std::string header_text;
  std::string signature;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[0], &header_text) ||
      !absl::WebSafeBase64Unescape(parts[2], &signature)) {
    return absl::DataLossError("an answer is no JWS in compact form");
  }
  if (parts[1] != absl::WebSafeBase64Escape(request.claims())) {
    return absl::DataLossError("an answer's payload is not the claims that were asked for");
  }
  const Json header = Json::parse(header_text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object() || header.value("alg", "") != alg_ ||
      header.value("kid", "") != response.kid()) {
    return absl::DataLossError(absl::StrCat("an answer has the header ", header_text));
  }
  const auto verifier = verifiers_.find(response.kid());
  if (verifier == verifiers_.end() ||
      !verifier->second->Verify(absl::StrCat(parts[0], ".", parts[1]), signature)) {
    return absl::DataLossError("an answer's signature does not verify");
  }
  return absl::OkStatus();
}

void AnswerCheck::Answer(const v1::SignJwtRequest& request, const v1::SignJwtResponse& response) {
  if (!key_.KnowsKid(response.kid())) Error(absl::StrCat("unknown kid ", response.kid()));
  if (response.jwt().empty()) Error("an answer has no JWT");
  if (answers_++ % kKeepEvery == 0 && kept_.size() < kMaxKept) {
    kept_.emplace_back(request, response);
  }
}

void AnswerCheck::Error(const std::string& what) {
  const bool room = errors_.size() < kMaxErrorKinds || errors_.contains(what);
  ++errors_[room ? what : "other errors"];
}

Json AnswerCheck::Finish() {
  for (const auto& [request, response] : kept_) {
    if (absl::Status status = key_.CheckJwt(request, response); !status.ok()) {
      Error(status.ToString());
    }
  }
  return Json{{"verified", kept_.size()}, {"errors", errors_}};
}

}  // namespace sealward::bench
