#include "hsm/check_optional.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hsm/data_objects.h"

namespace sealward::hsm {
namespace {

// Label of the data object that is tried; no mark's (hsm/data_objects.h).
constexpr absl::string_view kDataLabel = "sealward:1:check";

}  // namespace

absl::Status OptionalTrials::Seen(absl::Status status) {
  outage_.Failed(status);
  return status;
}

// With handles of its own search: those from before may be stale, or denote other objects.
void OptionalTrials::Try(const KeyObject& object) {
  pkcs11::KeyPair halves;
  TrySearch(object, halves);
  if (halves.private_key == CK_INVALID_HANDLE) return;
  if (!outage_.over()) ReadPoint(object, halves.public_key);
  if (!outage_.over()) TryCopy(halves.private_key);
  if (!outage_.over()) TryDataObject();
  if (!outage_.over()) TryChange(object, halves.private_key);
}

void OptionalTrials::TrySearch(const KeyObject& object, pkcs11::KeyPair& halves) {
  const auto found = keys_.Search(object.id);
  absl::Status status = Seen(found.status());
  if (const auto pair = found.ok() ? CompletePair(*found) : std::nullopt) {
    halves = *pair;
  } else if (status.ok()) {
    status = absl::FailedPreconditionError(
        absl::StrCat("found ", found->size(), " objects instead of both halves of a pair"));
  }
  AddFinding(report_, /*required=*/true, "C_FindObjects by CKA_ID", status,
             "finds both halves of a pair");
}

void OptionalTrials::ReadPoint(const KeyObject& object, CK_OBJECT_HANDLE public_key) {
  auto values = partition_.objects->Read(public_key, {CKA_EC_POINT});
  if (!Seen(values.status()).ok() || !values->front()) return;
  // What was made of it ends with the point itself.
  const bool wrapped = !absl::EndsWith(object.spki, *values->front());
  AddFinding(report_, /*required=*/false, "CKA_EC_POINT is a DER OCTET STRING",
             wrapped ? absl::OkStatus() : absl::FailedPreconditionError("it is a raw point"), "",
             "nothing is missing: Sealward takes both");
}

void OptionalTrials::TryCopy(CK_OBJECT_HANDLE private_key) {
  pkcs11::Template session_object;
  session_object.Bool(CKA_TOKEN, false);
  auto copy = partition_.objects->Copy(private_key, session_object);
  absl::Status status = Seen(copy.status());
  if (status.ok()) status = Seen(partition_.objects->Destroy(*copy));
  AddFinding(report_, /*required=*/false, "C_CopyObject to a session", status, "",
             "signatures use the token's own objects");
}

void OptionalTrials::TryDataObject() {
  Profile profile = *partition_.config.profile;
  profile.data_objects = true;
  const DataObjects objects(*partition_.objects, profile);
  const auto attempt = [&]() -> absl::Status {
    auto lock = writer_.Lock();
    if (!lock.ok()) return lock.status();
    if (absl::Status s = objects.Make(kDataLabel, kDataLabel); !s.ok()) return s;
    leaves_data_object_ = true;
    auto found = objects.Find(kDataLabel);
    if (!found.ok()) return found.status();
    if (found->empty()) return absl::InternalError("a data object is not found again");
    for (const DataObject& object : *found) {
      if (absl::Status s = objects.Destroy(object.handle); !s.ok()) return s;
    }
    leaves_data_object_ = false;
    return absl::OkStatus();
  };
  AddFinding(report_, /*required=*/false, "private data objects", Seen(attempt()),
             partition_.config.profile->data_objects ? "marks and the epoch are kept in them"
                                                     : "though this profile does not use them",
             "no marks and no epoch: an old store that is put back is not noticed");
}

void OptionalTrials::TryChange(const KeyObject& object, CK_OBJECT_HANDLE private_key) {
  pkcs11::Template label;
  label.Bytes(CKA_LABEL, object.label_text);
  AddFinding(report_, /*required=*/false, "C_SetAttributeValue",
             Seen(partition_.objects->Change(private_key, label)), "Sealward does not call it",
             "nothing is missing: Sealward does not call it");
}

}  // namespace sealward::hsm
