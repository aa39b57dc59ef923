#include "hsm/partition.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "hsm/exit_codes.h"
#include "hsm/log.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

constexpr absl::string_view kHealthMessage = "sealward health check";

// Bytes that an object in a list takes besides what it serializes to.
constexpr size_t kListFramingBytes = 8;

void FillPublicKey(const KeyObject& object, v1::PublicKey& out) {
  out.mutable_object()->set_object_id(object.id.data(), object.id.size());
  out.mutable_object()->set_key(object.label->key);
  out.mutable_object()->set_purpose(object.label->purpose);
  out.set_algorithm(object.mechanism->algorithm->algorithm);
  out.set_spki(object.spki);
}

}  // namespace

Partition::Partition(std::unique_ptr<OpenPartition> open, const Clock& clock, int peer_fd)
    : open_(std::move(open)),
      writer_(open_->config, peer_fd),
      copies_(*open_->objects, open_->config.profile->session_copies),
      data_objects_(*open_->objects, *open_->config.profile),
      marks_(data_objects_),
      keys_(*open_->objects, copies_, marks_, clock),
      disposal_(*open_, keys_, marks_, writer_, clock),
      epoch_(data_objects_, writer_) {}

absl::StatusOr<std::unique_ptr<Partition>> Partition::Create(std::unique_ptr<OpenPartition> open,
                                                             const Clock& clock, int peer_fd) {
  std::unique_ptr<Partition> partition(new Partition(std::move(open), clock, peer_fd));
  auto signer = Signer::Create(*partition->open_, partition->keys_, partition->copies_);
  if (!signer.ok()) return signer.status();
  partition->signer_ = *std::move(signer);
  if (partition->open_->signing.size() > 1) {
    auto parallel = ParallelSigner::Create(*partition->open_, partition->keys_, partition->copies_,
                                           *partition->signer_);
    // One signature after the other is slow, and no reason to serve nobody.
    if (absl::IsResourceExhausted(parallel.status())) {
      LogWarning(absl::StrCat("signing with 1 session: ", parallel.status().message()));
    } else if (!parallel.ok()) {
      return parallel.status();
    } else {
      partition->parallel_ = *std::move(parallel);
    }
  }
  partition->generator_ =
      std::make_unique<Generator>(*partition->open_, partition->keys_, partition->marks_,
                                  *partition->signer_, partition->writer_);
  if (absl::Status s = partition->DestroyUnfinished(); !s.ok()) return s;
  if (absl::Status s = partition->keys_.Refresh(); !s.ok()) return s;
  if (absl::Status s = partition->EnsureCanary(); !s.ok()) return s;
  if (absl::Status s = partition->CheckHealth(); !s.ok()) return s;
  return partition;
}

// A process that was killed is followed by this one.
absl::Status Partition::DestroyUnfinished() {
  auto lock = writer_.Lock();
  if (!lock.ok()) return lock.status();
  auto destroyed = data_objects_.DestroyUnfinished();
  if (!destroyed.ok()) return destroyed.status();
  if (*destroyed > 0) LogWarning(absl::StrCat(*destroyed, " unfinished data objects destroyed"));
  return absl::OkStatus();
}

absl::Status Partition::EnsureCanary() {
  auto found = keys_.Find(kCanaryId);
  if (absl::IsNotFound(found.status())) {
    const Mechanism* const mechanism = CanaryMechanism(open_->mechanisms);
    if (mechanism == nullptr) {
      return ExitError(kExitPartitionUnusable, "NO_ALGORITHMS",
                       "the partition offers none of the algorithms that the canary can have: "
                       "ES256, ES384, ES512, EdDSA or RS256");
    }
    auto made = generator_->Ensure(kCanaryId, std::string(kCanaryLabel), *mechanism);
    if (!made.ok()) return made.status();
    found = made->object;
  }
  if (!found.ok()) return found.status();
  if ((*found)->label_text != kCanaryLabel) {
    return ExitError(kExitPartitionUnusable, "CANARY_INVALID",
                     "the canary's object id belongs to another key");
  }
  if (absl::Status s = ReadPublicKey(*open_->objects, **found); !s.ok()) return s;
  if (absl::Status s = CheckPrivateKey(*open_->objects, **found); !s.ok()) return s;
  auto verifier = Verifier::Create(*(*found)->mechanism->algorithm, (*found)->spki);
  if (!verifier.ok()) return verifier.status();
  canary_verifier_ = *std::move(verifier);
  return absl::OkStatus();
}

// The pair that `ref` names, if its label says the same.
absl::StatusOr<KeyObject*> Partition::FindFor(const v1::ObjectRef& ref) {
  auto id = ParseObjectId(ref.object_id());
  if (!id.ok()) return id.status();
  auto found = keys_.Find(*id);
  if (!found.ok()) return found.status();
  const std::optional<ObjectLabel>& label = (*found)->label;
  if (!label || label->purpose != ref.purpose() || label->key != ref.key()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "OBJECT_MISMATCH",
        absl::StrCat("object ", Hex(*id), " carries another key's name or purpose in its label"));
  }
  return *found;
}

absl::Status Partition::Generate(const v1::Generate& request, v1::PublicKey& out) {
  auto id = ParseObjectId(request.object().object_id());
  if (!id.ok()) return id.status();
  auto label = ObjectLabel::FromRef(request.object());
  if (!label) return InvalidRef("the reference names no purpose, or no tenants/{t}/keys/{k}");
  const Mechanism* mechanism = FindMechanism(request.algorithm());
  if (mechanism != nullptr && !IsUsual(*mechanism->algorithm)) {
    label->jose_alg = std::string(mechanism->algorithm->jose_alg);
  }
  if (mechanism == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "ALGORITHM_UNAVAILABLE",
                     absl::StrCat("algorithm ", static_cast<int>(request.algorithm()),
                                  " is not known to this signer"));
  }
  auto generated = generator_->Ensure(*id, label->ToString(), *mechanism);
  if (!generated.ok()) return generated.status();
  FillPublicKey(*generated->object, out);
  out.set_existed(generated->existed);
  return absl::OkStatus();
}

absl::Status Partition::GetPublicKey(const v1::GetPublicKey& request, v1::PublicKey& out) {
  auto object = FindFor(request.object());
  if (!object.ok()) return object.status();
  if (absl::Status s = ReadPublicKey(*open_->objects, **object); !s.ok()) return s;
  FillPublicKey(**object, out);
  return absl::OkStatus();
}

absl::Status Partition::Forget(const v1::Forget& request) {
  auto id = ParseObjectId(request.object_id());
  if (!id.ok()) return id.status();
  keys_.Forget(*id);
  return absl::OkStatus();
}

absl::Status Partition::List(const v1::List& request, size_t room_bytes, v1::ObjectList& out) {
  if (request.limit() < 1) return InvalidRef("a list has a limit of 1 to 256");
  if (!request.after_object_id().empty()) {
    if (auto after = ParseObjectId(request.after_object_id()); !after.ok()) return after.status();
  }
  // The first page reads the partition; later ones go on in what it saw.
  if (request.after_object_id().empty() || !keys_.refreshed()) {
    if (absl::Status s = keys_.Refresh(); !s.ok()) return s;
  }
  uint32_t unreadable = 0;
  for (const ObjectId& id : keys_.listed()) {
    if (View(id) <= absl::string_view(request.after_object_id())) continue;
    auto object = keys_.Find(id);
    if (absl::IsNotFound(object.status())) continue;  // destroyed since
    if (!object.ok()) return object.status();
    if (!ReadPublicKey(*open_->objects, **object).ok() || !(*object)->label) {
      ++unreadable;
      continue;
    }
    v1::PublicKey entry;
    FillPublicKey(**object, entry);
    const size_t size = entry.ByteSizeLong() + kListFramingBytes;
    if (static_cast<uint32_t>(out.objects_size()) == request.limit() || size > room_bytes) {
      out.set_more(true);
      break;
    }
    room_bytes -= size;
    *out.add_objects() = std::move(entry);
  }
  out.set_unattributable(keys_.unattributable() + unreadable);
  return absl::OkStatus();
}

absl::Status Partition::Describe(v1::Description& out) {
  out.set_label(open_->slot.label);
  out.set_token_model(open_->slot.token_model);
  out.set_profile(std::string(open_->config.profile->name));
  for (const Mechanism* mechanism : open_->mechanisms) {
    out.add_algorithms(mechanism->algorithm->algorithm);
  }
  out.set_least_destroy_window_s(absl::ToInt64Seconds(open_->config.least_destroy_window));
  out.set_has_marks(data_objects_.available());
  out.set_signing_sessions(static_cast<int32_t>(parallel_ ? parallel_->size() : 1));
  return absl::OkStatus();
}

absl::Status Partition::CheckHealth() {
  if (const CK_RV ended = parallel_ ? parallel_->ended() : CKR_OK; ended != CKR_OK) {
    return pkcs11::RvStatus(ended, "a signature");  // a packet behind this one met it
  }
  auto canary = keys_.Find(kCanaryId);
  if (!canary.ok()) return canary.status();
  if (absl::Status s = ReadPublicKey(*open_->objects, **canary); !s.ok()) return s;
  std::string signature;
  if (absl::Status s = signer_->Sign(*canary, {kHealthMessage}, signature); !s.ok()) return s;
  if (!canary_verifier_->Verify(kHealthMessage, signature)) {
    return MakeError(absl::StatusCode::kInternal, "CANARY_FAILED",
                     "the canary's signature does not verify");
  }
  return absl::OkStatus();
}

}  // namespace sealward::hsm
