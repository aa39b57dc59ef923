#include "server/signing/raw_signer.h"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ecdsa_signature.h"
#include "common/errors.h"
#include "server/hsm_client/cost.h"
#include "server/lifecycle/object_calls.h"
#include "server/signing/signing_version.h"

namespace sealward::signing {
namespace {

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RAW_INPUT_INVALID", message);
}

SignatureInput InputOf(const v1::SignRawRequest& request) {
  SignatureInput input{.data = request.has_digest() ? request.digest() : request.message(),
                       .is_digest = request.has_digest()};
  if (request.has_pss_salt_bytes()) {
    input.pss_salt_bytes = static_cast<size_t>(request.pss_salt_bytes());
  }
  return input;
}

// What is wrong with a request, whatever signs it.
absl::Status CheckForm(const v1::SignRawRequest& request) {
  if (request.input_case() == v1::SignRawRequest::INPUT_NOT_SET) {
    return Invalid("set a message or a digest");
  }
  if (request.message().size() > kMaxRawMessageBytes) {
    return Invalid(absl::StrCat("a message has at most ", kMaxRawMessageBytes,
                                " bytes; of a longer one sign the digest"));
  }
  if (request.has_pss_salt_bytes() && request.pss_salt_bytes() < 0) {
    return Invalid("a salt has no negative length; leave it unset for the hash's");
  }
  return absl::OkStatus();
}

absl::Status CheckEncoding(v1::SignatureEncoding encoding, const AlgorithmInfo& algorithm) {
  if (!v1::SignatureEncoding_IsValid(encoding)) return Invalid("the encoding is not known");
  if (encoding == v1::SIGNATURE_ENCODING_DER && algorithm.key_type != KeyType::kEc) {
    return Invalid(absl::StrCat(algorithm.name, " has no DER encoding; leave the encoding unset"));
  }
  return absl::OkStatus();
}

std::string Encoded(std::string signature, v1::SignatureEncoding encoding) {
  if (encoding != v1::SIGNATURE_ENCODING_DER) return signature;
  std::array<unsigned char, kMaxDerSignatureBytes> der;
  const size_t size = EcdsaToDer(signature, der.data());
  return {reinterpret_cast<const char*>(der.data()), size};
}

// What is kept while the HSM signs.
struct Pending {
  std::shared_ptr<const catalog::KeyVersion> version;
  hsm::v1::SignRaw operation;  // what was asked of it: verified against
  v1::SignatureEncoding encoding;
  decltype(RawRequest::done) done;
};

SignatureInput InputOf(const hsm::v1::SignRaw& operation) {
  SignatureInput input{.data = operation.has_digest() ? operation.digest() : operation.message(),
                       .is_digest = operation.has_digest()};
  if (operation.has_pss_salt_bytes()) input.pss_salt_bytes = operation.pss_salt_bytes();
  return input;
}

hsm::v1::SignRaw OperationOf(const catalog::Key& key, const catalog::KeyVersion& version,
                             const SignatureInput& input) {
  hsm::v1::SignRaw operation;
  *operation.mutable_object() = lifecycle::ObjectOf(key, version);
  if (input.is_digest) {
    operation.set_digest(std::string(input.data));
  } else {
    operation.set_message(std::string(input.data));
  }
  if (input.pss_salt_bytes) {
    operation.set_pss_salt_bytes(static_cast<uint32_t>(*input.pss_salt_bytes));
  }
  return operation;
}

absl::StatusOr<RawSignature> Release(const Route& route, const Pending& pending,
                                     absl::StatusOr<hsm::v1::Result> answer) {
  auto signature = route.Release(*pending.version, InputOf(pending.operation), std::move(answer));
  if (!signature.ok()) return signature.status();
  return RawSignature{Encoded(*std::move(signature), pending.encoding), pending.version->jwk.kid()};
}

}  // namespace

absl::StatusOr<Prepared> RawSigner::Prepare(RawRequest& request) const {
  const catalog::Key& key = *request.key;
  const v1::SignRawRequest& asked = *request.request;
  if (key.purpose != v1::KEY_PURPOSE_RAW) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "PURPOSE_MISMATCH",
                     absl::StrCat(key.name, " signs JWTs only; use a key of purpose RAW"));
  }
  if (absl::Status form = CheckForm(asked); !form.ok()) return form;
  auto version = route_->VersionOf(key);
  if (!version.ok()) return version.status();
  if (!asked.kid().empty() && asked.kid() != (*version)->jwk.kid()) {
    return KidNotSigning(key, **version);
  }
  const AlgorithmInfo& algorithm = *(*version)->algorithm;
  const SignatureInput input = InputOf(asked);
  if (absl::Status s = CheckSignatureInput(input, algorithm); !s.ok()) return s;
  if (absl::Status s = CheckEncoding(asked.encoding(), algorithm); !s.ok()) return s;
  auto partition = route_->PartitionOf(key, **version);
  if (!partition.ok()) return partition.status();

  Prepared prepared{*partition, {}};
  prepared.submission.deadline = request.deadline;
  prepared.submission.flow = key.tenant->flow;
  prepared.submission.cost = hsm_client::CostOf(algorithm);
  Pending pending{*version, OperationOf(key, **version, input), asked.encoding(),
                  std::move(request.done)};
  *prepared.submission.operation.mutable_sign_raw() = pending.operation;
  prepared.submission.done = [route = route_, pending = std::move(pending)](
                                 absl::StatusOr<hsm::v1::Result> answer) mutable {
    pending.done(Release(*route, pending, std::move(answer)));
  };
  return prepared;
}

void RawSigner::Sign(RawRequest request) const {
  auto prepared = Prepare(request);
  if (!prepared.ok()) {
    request.done(prepared.status());
    return;
  }
  prepared->partition->Submit(std::move(prepared->submission));
}

void RawSigner::SignAll(std::vector<RawRequest> requests) const {
  std::vector<Prepared> all;
  all.reserve(requests.size());
  for (RawRequest& request : requests) {
    auto prepared = Prepare(request);
    if (prepared.ok()) {
      all.push_back(*std::move(prepared));
    } else {
      request.done(prepared.status());
    }
  }
  SubmitAll(std::move(all));
}

}  // namespace sealward::signing
