// One PKCS#11 session.
#ifndef SEALWARD_HSM_PKCS11_SESSION_H_
#define SEALWARD_HSM_PKCS11_SESSION_H_

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hsm/pkcs11/attributes.h"
#include "hsm/pkcs11/cryptoki.h"
#include "hsm/pkcs11/module.h"

namespace sealward::pkcs11 {

// Objects that one search returns at most.
inline constexpr size_t kMaxObjects = 400'000;

// KeyPair holds the handles of both halves.
struct KeyPair {
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
};

// Session is an open read-write session. One that an operation left in an
// uncertain state is dropped, never used again. Not thread-safe. Ends before
// its Module.
class Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Open(const Module& module, CK_SLOT_ID slot);
  // Closes the session, and with it its session objects.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Logs the user in; that holds for every session of the process.
  absl::Status Login(absl::string_view pin);

  // Handles of the objects that match. RESOURCE_EXHAUSTED if more than kMaxObjects do.
  absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> Find(Template& match) const;

  // The values of `types`, in order. Fails only if the object cannot be read.
  absl::StatusOr<std::vector<Value>> Read(CK_OBJECT_HANDLE object,
                                          std::initializer_list<CK_ATTRIBUTE_TYPE> types) const;

  absl::StatusOr<KeyPair> GenerateKeyPair(CK_MECHANISM_TYPE mechanism, Template& public_key,
                                          Template& private_key) const;
  absl::StatusOr<CK_OBJECT_HANDLE> Create(Template& object) const;
  absl::StatusOr<CK_OBJECT_HANDLE> Copy(CK_OBJECT_HANDLE object, Template& changes) const;
  absl::Status Destroy(CK_OBJECT_HANDLE object) const;
  absl::Status Change(CK_OBJECT_HANDLE object, Template& changes) const;

  // Signs `data` into `out` and sets `size`, which holds the room there is on
  // entry. A plain CK_RV, because this is the hot path.
  CK_RV Sign(CK_MECHANISM mechanism, CK_OBJECT_HANDLE key, absl::string_view data,
             unsigned char* out, CK_ULONG* size) const;

  // The module's.
  const Traits& traits() const { return traits_; }

 private:
  Session(const CK_FUNCTION_LIST& functions, const Traits& traits, CK_SESSION_HANDLE handle)
      : functions_(functions), traits_(traits), handle_(handle) {}

  absl::StatusOr<std::vector<Value>> ReadSingly(
      CK_OBJECT_HANDLE object, std::initializer_list<CK_ATTRIBUTE_TYPE> types) const;

  const CK_FUNCTION_LIST& functions_;
  Traits traits_;
  CK_SESSION_HANDLE handle_;
};

}  // namespace sealward::pkcs11

#endif  // SEALWARD_HSM_PKCS11_SESSION_H_
