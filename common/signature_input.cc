#include "common/signature_input.h"

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward {
namespace {

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RAW_INPUT_INVALID", message);
}

}  // namespace

absl::Status CheckSignatureInput(const SignatureInput& input, const AlgorithmInfo& algorithm) {
  const size_t hash_bytes = HashBytes(algorithm.hash);
  if (input.is_digest && hash_bytes == 0) {
    return Invalid(absl::StrCat(algorithm.name, " signs messages, not digests"));
  }
  if (input.is_digest && input.data.size() != hash_bytes) {
    return Invalid(absl::StrCat("a digest for ", algorithm.name, " has ", hash_bytes,
                                " bytes, not ", input.data.size()));
  }
  if (!input.pss_salt_bytes) return absl::OkStatus();
  if (algorithm.padding != RsaPadding::kPss) {
    return Invalid(absl::StrCat(algorithm.name, " has no salt"));
  }
  if (*input.pss_salt_bytes > hash_bytes) {
    return Invalid(absl::StrCat("a salt for ", algorithm.name, " has at most ", hash_bytes,
                                " bytes, not ", *input.pss_salt_bytes));
  }
  return absl::OkStatus();
}

}  // namespace sealward
