#include "server/lifecycle/hsm_call.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/jwk.h"
#include "server/lifecycle/object_calls.h"
#include "server/telemetry/logging.h"

namespace sealward::lifecycle {
namespace {

// What a caller is told to wait after an HSM that could not.
constexpr absl::Duration kHsmRetryDelay = absl::Seconds(1);

// Refusals that callers act on (object_calls.h; TOMBSTONE: key_generation.cc).
constexpr std::array<absl::string_view, 5> kKnownReasons = {
    "WINDOW_TOO_SHORT", "WINDOW_OPEN", "NOT_SCHEDULED", "DESTROYED", "TOMBSTONE"};

// `message` comes from sealward-hsm and is for the log; callers see INTERNAL
// errors as a request id.
absl::Status Refused(const hsm::v1::Result& result) {
  const std::string what = absl::StrCat(result.message(), " (code ", result.code(), ", HSM code 0x",
                                        absl::Hex(result.ck_rv()), ")");
  switch (static_cast<absl::StatusCode>(result.code())) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                                "the HSM cannot do this now; try again", kHsmRetryDelay);
    case absl::StatusCode::kUnimplemented:
      return MakeError(absl::StatusCode::kUnimplemented, "HSM_REFUSED", what);
    case absl::StatusCode::kFailedPrecondition:
      if (std::ranges::find(kKnownReasons, absl::string_view(result.reason())) !=
          kKnownReasons.end()) {
        return MakeError(absl::StatusCode::kFailedPrecondition, result.reason(), what);
      }
      [[fallthrough]];
    default:
      return MakeError(absl::StatusCode::kInternal, "HSM_REFUSED",
                       absl::StrCat("the HSM refused: ", what));
  }
}

constexpr absl::string_view kNotOffered = "ALGORITHM_UNAVAILABLE";  // any more, by this module

// A module's own refusal has no reason of ours.
bool IsRefusalOfKey(const hsm::v1::Result& result) {
  return static_cast<absl::StatusCode>(result.code()) == absl::StatusCode::kFailedPrecondition &&
         (result.reason().empty() || result.reason() == "KEY_ATTRIBUTES" ||
          result.reason() == kNotOffered);
}

std::string WhyRefused(const hsm::v1::Result& result) {
  if (result.reason() == kNotOffered) return "it does not offer the algorithm";
  if (result.ck_rv() == 0) return "the pair that it makes is not protected as it must be";
  return absl::StrCat("HSM code 0x", absl::Hex(result.ck_rv()));
}

// What sealward-hsm says of it goes to the log.
absl::Status KeyRefused(const catalog::Key& key, const catalog::KeyVersion& version,
                        const hsm::v1::Result& result) {
  telemetry::Log(telemetry::Level::kError, "key_refused",
                 {{"key", key.name},
                  {"version", version.number},
                  {"algorithm", version.algorithm->name},
                  {"error", result.message()}});
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "KEY_REFUSED",
      absl::StrCat(key.name, "/versions/", version.number, ": the HSM refuses a key pair of ",
                   version.algorithm->name, " (", WhyRefused(result),
                   "). It is asked again in the background; if it stays with that, give the key "
                   "another algorithm (`sealward keys update --algorithm`). `sealward-hsm check` "
                   "shows what the module can do"));
}

absl::Status Invalid(const catalog::Key& key, const catalog::KeyVersion& version,
                     absl::string_view what) {
  return MakeError(absl::StatusCode::kInternal, "HSM_KEY_INVALID",
                   absl::StrCat(key.name, "/versions/", version.number,
                                ": the HSM answered with a key that cannot be used: ", what));
}

}  // namespace

absl::StatusOr<hsm::v1::Result> CallHsm(hsm_client::Partition& partition,
                                        hsm::v1::Operation operation, absl::Time deadline) {
  auto result = partition.Call(std::move(operation), deadline);
  if (!result.ok()) return result.status();
  if (result->code() != 0) return Refused(*result);
  return result;
}

bool IsOutage(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status);
}

absl::StatusOr<GeneratedKey> GenerateKeyPair(hsm_client::Partition& partition,
                                             const catalog::Key& key,
                                             const catalog::KeyVersion& version,
                                             absl::Time deadline) {
  hsm::v1::Operation operation;
  auto& generate = *operation.mutable_generate();
  *generate.mutable_object() = ObjectOf(key, version);
  generate.set_algorithm(version.algorithm->algorithm);
  auto result = partition.Call(std::move(operation), deadline);
  if (!result.ok()) return result.status();
  if (IsRefusalOfKey(*result)) return KeyRefused(key, version, *result);
  if (result->code() != 0) return Refused(*result);

  hsm::v1::PublicKey& made = *result->mutable_public_key();
  if (made.object().object_id() != version.object_id || made.object().key() != key.name ||
      made.algorithm() != version.algorithm->algorithm) {
    return Invalid(key, version, "it is about another object");
  }
  auto jwk = JwkFromSpki(*version.algorithm, made.spki());
  if (!jwk.ok()) return Invalid(key, version, jwk.status().message());
  return GeneratedKey{std::move(*made.mutable_spki()), std::move(*jwk), made.existed()};
}

}  // namespace sealward::lifecycle
