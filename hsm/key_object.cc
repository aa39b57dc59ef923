#include "hsm/key_object.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/jwk.h"
#include "hsm/spki.h"

namespace sealward::hsm {
namespace {

constexpr CK_ULONG kNoKeyType = CK_UNAVAILABLE_INFORMATION;

absl::Status Unusable(const KeyObject& object, absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "KEY_UNUSABLE",
                   absl::StrCat("object ", Hex(object.id), " ", message));
}

// A kind that this program does not know is refused as a revocation is.
absl::Status CheckMark(const KeyObject& object) {
  switch (object.mark) {
    case v1::Mark::KIND_UNSPECIFIED:
      return absl::OkStatus();
    case v1::Mark::KIND_DESTROY_SCHEDULED:
      return MakeError(absl::StatusCode::kFailedPrecondition, "OBJECT_DESTROY_SCHEDULED",
                       absl::StrCat("object ", Hex(object.id), " is scheduled for destruction"));
    case v1::Mark::KIND_DESTROYED:
      return MakeError(absl::StatusCode::kFailedPrecondition, "OBJECT_DESTROYED",
                       absl::StrCat("object ", Hex(object.id), " is destroyed"));
    default:
      return MakeError(absl::StatusCode::kFailedPrecondition, "OBJECT_REVOKED",
                       absl::StrCat("object ", Hex(object.id), " is revoked"));
  }
}

// Bits of a big-endian number.
CK_ULONG Bits(absl::string_view number) {
  while (!number.empty() && number.front() == 0) number.remove_prefix(1);
  if (number.empty()) return 0;
  CK_ULONG bits = number.size() * 8;
  for (auto top = static_cast<unsigned char>(number.front()); (top & 0x80) == 0;
       top = static_cast<unsigned char>(top << 1)) {
    --bits;
  }
  return bits;
}

// What a private key object must say. Attributes that not every module keeps
// may be absent, but not wrong.
struct Wanted {
  CK_ATTRIBUTE_TYPE type;
  bool value;
  bool may_be_absent;
  absl::string_view name;
};

constexpr Wanted kWanted[] = {
    {CKA_TOKEN, true, false, "CKA_TOKEN"},
    {CKA_PRIVATE, true, false, "CKA_PRIVATE"},
    {CKA_SENSITIVE, true, false, "CKA_SENSITIVE"},
    {CKA_EXTRACTABLE, false, false, "CKA_EXTRACTABLE"},
    {CKA_ALWAYS_SENSITIVE, true, false, "CKA_ALWAYS_SENSITIVE"},
    {CKA_NEVER_EXTRACTABLE, true, false, "CKA_NEVER_EXTRACTABLE"},
    {CKA_LOCAL, true, false, "CKA_LOCAL"},
    {CKA_SIGN, true, false, "CKA_SIGN"},
    {CKA_DECRYPT, false, true, "CKA_DECRYPT"},
    {CKA_UNWRAP, false, true, "CKA_UNWRAP"},
    {CKA_SIGN_RECOVER, false, true, "CKA_SIGN_RECOVER"},
    {CKA_DERIVE, false, true, "CKA_DERIVE"},
};

}  // namespace

absl::Status ReadPublicKey(const pkcs11::Session& session, KeyObject& object) {
  if (object.mechanism != nullptr) return absl::OkStatus();
  auto values = session.Read(object.handles.public_key, {CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_MODULUS,
                                                         CKA_PUBLIC_EXPONENT, CKA_EC_POINT});
  if (!values.ok()) return values.status();
  const std::string modulus = (*values)[2].value_or("");
  const Mechanism* mechanism =
      MatchMechanism(pkcs11::AsUlong((*values)[0]).value_or(kNoKeyType), (*values)[1].value_or(""),
                     Bits(modulus), object.label ? object.label->jose_alg : "");
  if (mechanism == nullptr) return Unusable(object, "is a key of no algorithm that is supported");
  auto spki = mechanism->key_type == CKK_RSA ? RsaSpki(modulus, (*values)[3].value_or(""))
                                             : EcSpki(*mechanism, (*values)[4].value_or(""));
  if (!spki.ok()) return Unusable(object, spki.status().message());
  auto jwk = JwkFromSpki(*mechanism->algorithm, *spki);
  if (!jwk.ok()) return Unusable(object, jwk.status().message());
  object.spki = *std::move(spki);
  object.header = std::make_unique<HeaderCheck>(mechanism->algorithm->jose_alg, jwk->kid());
  object.mechanism = mechanism;
  return absl::OkStatus();
}

absl::Status CheckPrivateKey(const pkcs11::Session& session, KeyObject& object) {
  if (absl::Status s = CheckMark(object); !s.ok()) return s;
  if (object.private_key_checked) return absl::OkStatus();
  for (const Wanted& wanted : kWanted) {
    if (wanted.type == CKA_LOCAL && !session.traits().keeps_local) continue;
    // One by one: some modules fail the whole call for one unknown attribute.
    auto values = session.Read(object.handles.private_key, {wanted.type});
    if (!values.ok()) return values.status();
    const pkcs11::Value& value = values->front();
    if (!value && wanted.may_be_absent) continue;
    if (pkcs11::AsBool(value) != wanted.value) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "KEY_ATTRIBUTES",
                       absl::StrCat("object ", Hex(object.id), " is refused: its ", wanted.name,
                                    " is not ", wanted.value ? "true" : "false"));
    }
  }
  object.private_key_checked = true;
  return absl::OkStatus();
}

}  // namespace sealward::hsm
