// Private to client/: the RPCs that sign, as data for the templates that carry them out.
#ifndef SEALWARD_CLIENT_OPERATIONS_H_
#define SEALWARD_CLIENT_OPERATIONS_H_

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/requests.h"
#include "common/errors.h"
#include "grpcpp/client_context.h"
#include "sealward/v1/signing_service.grpc.pb.h"

namespace sealward::client {

// The server's limits.
inline constexpr size_t kMaxClaimsBytes = 65'536;
inline constexpr size_t kMaxSigningInputBytes = 98'304;
inline constexpr size_t kMaxRawInputBytes = 65'536;

// INVALID_ARGUMENT (`reason`) for more than `most` bytes.
inline absl::Status CheckSize(size_t bytes, size_t most, absl::string_view reason) {
  if (bytes <= most) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, reason,
                   absl::StrCat(bytes, " bytes to sign; at most ", most, " can be"));
}

// More than any name, typ or kid has; each is ASCII.
inline constexpr size_t kMaxWordBytes = 1'024;

// INVALID_ARGUMENT (`reason`) for a word that protobuf, which wants UTF-8, or the message's
// limit would not let through: it would take the other requests of its batch along.
inline absl::Status CheckWord(absl::string_view what, absl::string_view word,
                              absl::string_view reason) {
  const bool ascii = std::ranges::all_of(
      word, [](char c) { return absl::ascii_isascii(static_cast<unsigned char>(c)); });
  if (ascii && word.size() <= kMaxWordBytes) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, reason,
      absl::StrCat("the ", what, " of a request is ASCII, at most ", kMaxWordBytes, " bytes"));
}

// RpcDone is what gRPC calls when an RPC has ended.
using RpcDone = std::function<void(grpc::Status)>;

// An Operation is one of the structs below: a request of the library, its RPC and
// its RPC for batches.
//
//   Request, Answer            the library's types
//   ProtoRequest, ProtoAnswer  the API's
//   BatchRequest, BatchAnswer  the API's, for batches
//   kMethod, kBatchMethod      names for metrics
//   ToProto, FromProto         conversions
//   Start, StartBatch          send an RPC; the arguments outlive it
//   Bytes                      what counts against a message's limit
//   Check                      INVALID_ARGUMENT, with the server's reason, for a request that
//                              is too large for its limits, or no message

// JwtOperation is SignJwt.
struct JwtOperation {
  using Request = JwtRequest;
  using Answer = SignedJwt;
  using ProtoRequest = v1::SignJwtRequest;
  using ProtoAnswer = v1::SignJwtResponse;
  using BatchRequest = v1::BatchSignJwtRequest;
  using BatchAnswer = v1::BatchSignJwtResponse;
  static constexpr absl::string_view kMethod = "SignJwt";
  static constexpr absl::string_view kBatchMethod = "BatchSignJwt";

  static ProtoRequest ToProto(Request request) {
    ProtoRequest proto;
    proto.set_key(std::move(request.key));
    if (!request.signing_input.empty()) {
      proto.set_signing_input(std::move(request.signing_input));
      return proto;
    }
    proto.set_claims(std::move(request.claims));
    proto.set_typ(std::move(request.typ));
    return proto;
  }
  static Answer FromProto(ProtoAnswer answer) {
    return {std::move(*answer.mutable_jwt()), std::move(*answer.mutable_kid())};
  }
  static void Start(v1::SigningService::Stub* stub, grpc::ClientContext* context,
                    const ProtoRequest* request, ProtoAnswer* answer, RpcDone done) {
    stub->async()->SignJwt(context, request, answer, std::move(done));
  }
  static void StartBatch(v1::SigningService::Stub* stub, grpc::ClientContext* context,
                         const BatchRequest* request, BatchAnswer* answer, RpcDone done) {
    stub->async()->BatchSignJwt(context, request, answer, std::move(done));
  }
  static size_t Bytes(const Request& request) {
    return request.signing_input.empty() ? request.claims.size() : request.signing_input.size();
  }
  static absl::Status Check(const Request& request) {
    absl::Status words = CheckWord("key", request.key, "NAME_INVALID");
    words.Update(CheckWord("typ", request.typ, "CLAIMS_INVALID"));
    if (!words.ok()) return words;
    return request.signing_input.empty()
               ? CheckSize(request.claims.size(), kMaxClaimsBytes, "CLAIMS_INVALID")
               : CheckSize(request.signing_input.size(), kMaxSigningInputBytes,
                           "SIGNING_INPUT_INVALID");
  }
};

// RawOperation is SignRaw.
struct RawOperation {
  using Request = RawRequest;
  using Answer = RawSignature;
  using ProtoRequest = v1::SignRawRequest;
  using ProtoAnswer = v1::SignRawResponse;
  using BatchRequest = v1::BatchSignRawRequest;
  using BatchAnswer = v1::BatchSignRawResponse;
  static constexpr absl::string_view kMethod = "SignRaw";
  static constexpr absl::string_view kBatchMethod = "BatchSignRaw";

  static ProtoRequest ToProto(Request request) {
    ProtoRequest proto;
    proto.set_key(std::move(request.key));
    if (request.input_is_digest) {
      proto.set_digest(std::move(request.input));
    } else {
      proto.set_message(std::move(request.input));
    }
    proto.set_kid(std::move(request.kid));
    if (request.encoding == SignatureEncoding::kDer) {
      proto.set_encoding(v1::SIGNATURE_ENCODING_DER);
    }
    if (request.pss_salt_bytes) proto.set_pss_salt_bytes(*request.pss_salt_bytes);
    return proto;
  }
  static Answer FromProto(ProtoAnswer answer) {
    return {std::move(*answer.mutable_signature()), std::move(*answer.mutable_kid())};
  }
  static void Start(v1::SigningService::Stub* stub, grpc::ClientContext* context,
                    const ProtoRequest* request, ProtoAnswer* answer, RpcDone done) {
    stub->async()->SignRaw(context, request, answer, std::move(done));
  }
  static void StartBatch(v1::SigningService::Stub* stub, grpc::ClientContext* context,
                         const BatchRequest* request, BatchAnswer* answer, RpcDone done) {
    stub->async()->BatchSignRaw(context, request, answer, std::move(done));
  }
  static size_t Bytes(const Request& request) { return request.input.size(); }
  static absl::Status Check(const Request& request) {
    absl::Status words = CheckWord("key", request.key, "NAME_INVALID");
    words.Update(CheckWord("kid", request.kid, "RAW_INPUT_INVALID"));
    if (!words.ok()) return words;
    return CheckSize(request.input.size(), kMaxRawInputBytes, "RAW_INPUT_INVALID");
  }
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_OPERATIONS_H_
