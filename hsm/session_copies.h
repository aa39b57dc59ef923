// Session-object copies of private keys, for profiles that allow them.
#ifndef SEALWARD_HSM_SESSION_COPIES_H_
#define SEALWARD_HSM_SESSION_COPIES_H_

#include <cstddef>
#include <list>

#include "hsm/key_object.h"
#include "hsm/pkcs11/session.h"

namespace sealward::hsm {

// After a copy could not be made, so many signatures use the token object
// before the next attempt.
inline constexpr uint64_t kCopyRetrySignatures = 256;

// SessionCopies is a bounded set of copies; the one that was used longest ago
// makes room for a new one. SoftHSM2 re-reads a token object's file at each use
// and all files after another process generated; a copy is free of that. Not
// thread-safe.
class SessionCopies {
 public:
  // At most `limit` copies; with 0 there are none. Copies live as long as
  // `session`.
  SessionCopies(const pkcs11::Session& session, size_t limit) : session_(session), limit_(limit) {}

  // What to sign with: the object's copy, or, where there can be none, the
  // token object itself.
  CK_OBJECT_HANDLE HandleFor(KeyObject& object);

  // Destroys the object's copy, if it has one.
  void Drop(KeyObject& object);

  size_t size() const { return recent_.size(); }

 private:
  void Make(KeyObject& object);

  const pkcs11::Session& session_;
  size_t limit_;
  std::list<KeyObject*> recent_;  // the one used last in front
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_SESSION_COPIES_H_
