#include "hsm/generator.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/failpoint.h"
#include "common/verifier.h"
#include "hsm/log.h"
#include "hsm/outage.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

// F4, big endian.
constexpr absl::string_view kPublicExponent("\x01\x00\x01", 3);

// What a new key signs and verifies before anything else.
constexpr absl::string_view kSelfTestMessage = "sealward self-test";

absl::Status Exists(const ObjectId& id, absl::string_view message) {
  return MakeError(absl::StatusCode::kAlreadyExists, "OBJECT_EXISTS",
                   absl::StrCat("object id ", Hex(id), " ", message));
}

// Nothing about what the public half is for: it is only read, outside the HSM anybody can do
// anything with it, and tpm2-pkcs11 takes CKA_VERIFY and CKA_ENCRYPT for what the private half
// may do, and refuses them beside ours.
void FillPublicTemplate(const ObjectId& id, const std::string& label, const Mechanism& mechanism,
                        pkcs11::Template& out) {
  out.Bool(CKA_TOKEN, true).Bool(CKA_PRIVATE, false);
  out.Bytes(CKA_ID, View(id)).Bytes(CKA_LABEL, label);
  if (mechanism.key_type == CKK_RSA) {
    out.Ulong(CKA_MODULUS_BITS, mechanism.size_bits).Bytes(CKA_PUBLIC_EXPONENT, kPublicExponent);
  } else {
    out.Bytes(CKA_EC_PARAMS, mechanism.ec_params);
  }
}

void FillPrivateTemplate(const ObjectId& id, const std::string& label, pkcs11::Template& out) {
  out.Bool(CKA_TOKEN, true).Bool(CKA_PRIVATE, true);
  out.Bool(CKA_SENSITIVE, true).Bool(CKA_EXTRACTABLE, false);
  out.Bool(CKA_SIGN, true).Bool(CKA_SIGN_RECOVER, false);
  out.Bool(CKA_DECRYPT, false).Bool(CKA_UNWRAP, false).Bool(CKA_DERIVE, false);
  out.Bytes(CKA_ID, View(id)).Bytes(CKA_LABEL, label);
}

}  // namespace

absl::StatusOr<Generated> Generator::Ensure(const ObjectId& id, const std::string& label,
                                            const Mechanism& mechanism) {
  if (!partition_.Offers(mechanism.algorithm->algorithm)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "ALGORITHM_UNAVAILABLE",
                     absl::StrCat("the partition does not offer ", mechanism.algorithm->name));
  }
  auto generated = EnsureLocked(id, label, mechanism);
  if (!generated.ok()) return generated.status();
  if (absl::Status s = writer_.Flush(); !s.ok()) return s;
  SEALWARD_FAILPOINT("hsm.pair_flushed");
  return generated;
}

absl::StatusOr<Generated> Generator::EnsureLocked(const ObjectId& id, const std::string& label,
                                                  const Mechanism& mechanism) {
  auto lock = writer_.Lock();
  if (!lock.ok()) return lock.status();
  if (absl::Status s = CheckMarks(id); !s.ok()) return s;
  auto objects = keys_.Search(id);
  if (!objects.ok()) return objects.status();
  const auto pair = CompletePair(*objects);
  if (!pair) {
    if (absl::Status s = ClearRemnants(id, label, *objects); !s.ok()) return s;
    auto made = Make(id, label, mechanism);
    if (!made.ok()) return made.status();
    return Generated{*made, /*existed=*/false};
  }
  if (objects->front().label != label) return Exists(id, "belongs to another key");
  Generated found{keys_.Add(id, *pair, label), /*existed=*/true};
  if (absl::Status s = Prove(found.object, mechanism); !s.ok()) return s;
  return found;
}

// What was revoked or destroyed does not come back under its id.
absl::Status Generator::CheckMarks(const ObjectId& id) const {
  auto marks = marks_.For(id);
  if (!marks.ok()) return marks.status();
  switch (marks->kind()) {
    case v1::Mark::KIND_UNSPECIFIED:
      return absl::OkStatus();
    case v1::Mark::KIND_DESTROY_SCHEDULED:
      return MakeError(absl::StatusCode::kFailedPrecondition, "OBJECT_DESTROY_SCHEDULED",
                       absl::StrCat("object ", Hex(id), " is scheduled for destruction"));
    default:
      return MakeError(absl::StatusCode::kFailedPrecondition, "TOMBSTONE",
                       absl::StrCat("object id ", Hex(id), " was revoked or destroyed"));
  }
}

// What carries the id without being a pair was left by a process that was killed
// while it generated: nobody was told of it. More than half a pair, or another
// key's label, is no such thing and stays.
absl::Status Generator::ClearRemnants(const ObjectId& id, const std::string& label,
                                      const std::vector<FoundObject>& remnants) {
  int private_keys = 0;
  int public_keys = 0;
  for (const FoundObject& remnant : remnants) {
    if (!remnant.label.empty() && remnant.label != label) {
      return Exists(id, "belongs to objects with another label");
    }
    if (remnant.object_class == CKO_PRIVATE_KEY) ++private_keys;
    if (remnant.object_class == CKO_PUBLIC_KEY) ++public_keys;
  }
  if (private_keys > 1 || public_keys > 1) return Exists(id, "belongs to more than one pair");
  for (const FoundObject& remnant : remnants) {
    LogWarning(absl::StrCat("object ", Hex(id), ": half a pair is destroyed and made again"));
    if (absl::Status s = partition_.objects->Destroy(remnant.handle); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::StatusOr<KeyObject*> Generator::Make(const ObjectId& id, const std::string& label,
                                           const Mechanism& mechanism) {
  pkcs11::Template public_key;
  pkcs11::Template private_key;
  FillPublicTemplate(id, label, mechanism, public_key);
  FillPrivateTemplate(id, label, private_key);
  auto pair = partition_.objects->GenerateKeyPair(mechanism.generate, public_key, private_key);
  if (!pair.ok()) return pair.status();
  SEALWARD_FAILPOINT("hsm.pair_made");
  KeyObject* object = nullptr;
  absl::Status proved = CheckNames(id, label, *pair);
  const bool named = proved.ok();
  if (named) {
    object = keys_.Add(id, *pair, label);
    proved = Prove(object, mechanism);
  }
  if (proved.ok()) return object;
  // Over a lost token a handle may denote another object. The pair stays, and is proved again.
  if (EndsTheProcess(pkcs11::RvOf(proved))) return proved;
  keys_.Forget(id);
  // One without its names is not found by them, and its handles are as new as it is.
  absl::Status destroyed = named ? DestroyRefused(id, label) : Destroy(*pair);
  if (!destroyed.ok()) {
    LogError(absl::StrCat("object ", Hex(id), " was refused and cannot be destroyed: ",
                          std::string(destroyed.message())));
  }
  return proved;
}

// A pair whose id or label the module cut off would be found by no later process.
absl::Status Generator::CheckNames(const ObjectId& id, const std::string& label,
                                   const pkcs11::KeyPair& pair) const {
  for (const CK_OBJECT_HANDLE half : {pair.private_key, pair.public_key}) {
    auto values = partition_.objects->Read(half, {CKA_ID, CKA_LABEL});
    if (!values.ok()) return values.status();
    if ((*values)[0] != View(id) || (*values)[1] != label) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "KEY_ATTRIBUTES",
                       absl::StrCat("object ", Hex(id), " is refused: the module did not keep its ",
                                    "CKA_ID, or its CKA_LABEL of ", label.size(), " bytes"));
    }
  }
  return absl::OkStatus();
}

absl::Status Generator::Destroy(const pkcs11::KeyPair& pair) const {
  absl::Status destroyed = partition_.objects->Destroy(pair.private_key);
  destroyed.Update(partition_.objects->Destroy(pair.public_key));
  return destroyed;
}

// By handles of now: those from before may be stale (Signer::Sign looks for a pair again).
absl::Status Generator::DestroyRefused(const ObjectId& id, const std::string& label) {
  auto halves = keys_.Search(id);
  if (!halves.ok()) return halves.status();
  absl::Status destroyed;
  for (const FoundObject& half : *halves) {
    if (half.label == label) destroyed.Update(partition_.objects->Destroy(half.handle));
  }
  return destroyed;
}

// Reads a pair back and makes it sign.
absl::Status Generator::Prove(KeyObject*& object, const Mechanism& mechanism) {
  if (absl::Status s = ReadPublicKey(*partition_.objects, *object); !s.ok()) return s;
  if (object->mechanism != &mechanism) {
    return Exists(object->id, absl::StrCat("is a key of ", object->mechanism->algorithm->name,
                                           ", not ", mechanism.algorithm->name));
  }
  if (absl::Status s = CheckPrivateKey(*partition_.objects, *object); !s.ok()) return s;
  auto verifier = Verifier::Create(*mechanism.algorithm, object->spki);
  if (!verifier.ok()) return verifier.status();
  std::string signature;
  if (absl::Status s = signer_.Sign(object, {kSelfTestMessage}, signature); !s.ok()) return s;
  if (!(*verifier)->Verify(kSelfTestMessage, signature)) {
    return MakeError(absl::StatusCode::kInternal, "SELF_TEST_FAILED",
                     absl::StrCat("object ", Hex(object->id),
                                  " made a signature that its public key does not verify"));
  }
  return absl::OkStatus();
}

}  // namespace sealward::hsm
