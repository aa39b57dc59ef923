// One key pair of the partition, as this process knows it.
#ifndef SEALWARD_HSM_KEY_OBJECT_H_
#define SEALWARD_HSM_KEY_OBJECT_H_

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "hsm/header_check.h"
#include "hsm/mechanisms.h"
#include "hsm/object_label.h"
#include "hsm/pkcs11/session.h"

namespace sealward::hsm {

// KeyObject is a complete key pair: where it is, what its label allows, and,
// once read, its public key. Handles are good for this process only.
struct KeyObject {
  ObjectId id{};
  pkcs11::KeyPair handles;
  std::string label_text;            // CKA_LABEL of both halves
  std::optional<ObjectLabel> label;  // nullopt for the canary
  // The highest mark when the pair was found; any mark stops its use.
  v1::Mark::Kind mark = v1::Mark::KIND_UNSPECIFIED;
  uint64_t* signatures = nullptr;  // the process's counter; outlives the KeyObject

  // Set by ReadPublicKey.
  const Mechanism* mechanism = nullptr;
  std::string spki;
  std::unique_ptr<HeaderCheck> header;

  // Set by CheckPrivateKey.
  bool private_key_checked = false;

  // Kept by SessionCopies.
  CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
  std::list<KeyObject*>::iterator copy_position;
  uint64_t next_copy_attempt = 0;  // value of *signatures; 0 at once
};

// Reads the public half: algorithm, SubjectPublicKeyInfo, kid. Does nothing if
// that was done. FAILED_PRECONDITION (KEY_UNUSABLE) for a key of another kind.
absl::Status ReadPublicKey(const pkcs11::Session& session, KeyObject& object);

// Refuses, with FAILED_PRECONDITION, a pair that must not sign: one that is marked
// (OBJECT_DESTROY_SCHEDULED, OBJECT_REVOKED, OBJECT_DESTROYED), and one whose private
// half could leave the HSM, was not made in it, or may do more or less than sign
// (KEY_ATTRIBUTES). The attributes are read once.
absl::Status CheckPrivateKey(const pkcs11::Session& session, KeyObject& object);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_KEY_OBJECT_H_
