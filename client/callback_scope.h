// Private to client/: whether this thread is inside a callback of the user's.
#ifndef SEALWARD_CLIENT_CALLBACK_SCOPE_H_
#define SEALWARD_CLIENT_CALLBACK_SCOPE_H_

#include "absl/status/status.h"

namespace sealward::client {

// CallbackScope surrounds a callback of the user's. gRPC has a handful of threads
// for callbacks; one that waits there for an answer takes the thread that would
// bring it, and a few of them are a deadlock that no deadline ends.
class CallbackScope {
 public:
  CallbackScope() : outer_(inside_) { inside_ = true; }
  ~CallbackScope() { inside_ = outer_; }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

  // FAILED_PRECONDITION (CALLED_IN_CALLBACK) inside of one: what every call that
  // blocks asks first.
  static absl::Status MayBlock();

 private:
  static thread_local bool inside_;
  const bool outer_;
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_CALLBACK_SCOPE_H_
