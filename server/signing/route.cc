#include "server/signing/route.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/signing/signing_version.h"
#include "server/signing/verifier_cache.h"

namespace sealward::signing {
namespace {

absl::Status RefusedByHsm(const hsm::v1::Result& result) {
  // Gone, or short of memory: neither is the request's fault.
  if (result.code() == static_cast<int>(absl::StatusCode::kUnavailable) ||
      result.code() == static_cast<int>(absl::StatusCode::kResourceExhausted)) {
    return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                              absl::StrCat("the HSM cannot sign now: ", result.message()),
                              absl::Milliseconds(200));
  }
  return MakeError(absl::StatusCode::kInternal, "HSM_REFUSED",
                   absl::StrCat("the HSM refused to sign: ", result.message()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const catalog::KeyVersion>> Route::VersionOf(
    const catalog::Key& key) const {
  const Clock& lifecycle = with_.lifecycle == nullptr ? *with_.clock : *with_.lifecycle;
  const Clock& running = with_.running == nullptr ? lifecycle : *with_.running;
  auto version = SigningVersion(key, lifecycle.Now());
  // A clock that stands still must not make a key sign for ever.
  if (version.ok() && (*version)->times.sign_until <= running.Now()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "KEY_NOT_READY",
                     absl::StrCat(key.name,
                                  " has nothing to sign with: its version has reached "
                                  "its hard end while the lifecycle clock is frozen; confirm the "
                                  "clock (`sealward clock confirm`)"));
  }
  return version;
}

absl::StatusOr<hsm_client::Partition*> Route::PartitionOf(
    const catalog::Key& key, const catalog::KeyVersion& version) const {
  if (with_.withheld->Contains(version.object_id)) {
    return MakeError(absl::StatusCode::kInternal, "KEY_WITHHELD",
                     absl::StrCat(key.name, "/versions/", version.number,
                                  " is withheld: its object in the HSM is not the published one"));
  }
  const auto partition = with_.partitions->Find(key.tenant->partition);
  if (!partition.ok()) return partition.status();
  if (absl::Status usable = with_.epochs->CheckUsable(**partition); !usable.ok()) return usable;
  return *partition;
}

absl::StatusOr<std::string> Route::Release(const catalog::KeyVersion& version,
                                           const SignatureInput& input,
                                           absl::StatusOr<hsm::v1::Result> answer) const {
  if (!answer.ok()) return answer.status();
  if (answer->code() != 0) return RefusedByHsm(*answer);
  std::string& signature = *answer->mutable_signature()->mutable_signature();
  auto verifier = ThreadVerifier(version);
  if (!verifier.ok()) return verifier.status();
  if (!(*verifier)->Verify(input, signature)) {
    with_.on_bad_signature(version);
    return MakeError(absl::StatusCode::kInternal, "SIGNATURE_INVALID",
                     "the HSM returned a signature that the published key does not verify; it "
                     "was withheld");
  }
  return std::move(signature);
}

void SubmitAll(std::vector<Prepared> prepared) {
  // A list for each partition; nearly always there is one.
  absl::InlinedVector<
      std::pair<hsm_client::Partition*, std::vector<hsm_client::Partition::Submission>>, 1>
      lists;
  for (Prepared& each : prepared) {
    auto list = std::ranges::find(lists, each.partition, [](const auto& of) { return of.first; });
    if (list == lists.end()) {
      lists.emplace_back(each.partition, 0);
      list = lists.end() - 1;
      list->second.reserve(prepared.size());
    }
    list->second.push_back(std::move(each.submission));
  }
  for (auto& [partition, submissions] : lists) partition->SubmitAll(std::move(submissions));
}

}  // namespace sealward::signing
