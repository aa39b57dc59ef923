// Shows Debian's abseil to ThreadSanitizer. That library is built without TSan, so its
// mutexes are invisible to it and everything that they guard looks like a race. In a
// tsan build these definitions stand in the executable, before the library's: they tell
// TSan what happens and let the library do it. gRPC's locks are abseil's too.
//
// Only the tsan preset links this file; no installed program contains it.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <type_traits>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

// cmake/sanitizers.cmake makes every executable need this symbol, and with it this file.
extern "C" {
int sealward_tsan_absl_mutex = 1;
}

namespace {

// The library's own function of this mangled name.
template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// The library calls some of its public functions from others; only the outermost call
// is told, or a lock would count twice.
thread_local int depth = 0;

// Between Begin and End of either kind TSan looks away: conditions that the library
// evaluates for other threads while it hands the lock over are no accesses of ours.
class Call {
 public:
  Call() { ++depth; }
  ~Call() { --depth; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  bool outermost() const { return depth == 1; }
};

template <typename Body>
auto Locking(absl::Mutex* mutex, unsigned flags, Body body) {
  const Call call;
  if (call.outermost()) __tsan_mutex_pre_lock(mutex, flags);
  if constexpr (std::is_void_v<decltype(body())>) {
    body();
    if (call.outermost()) __tsan_mutex_post_lock(mutex, flags, 0);
  } else {
    const auto result = body();
    if ((flags & __tsan_mutex_try_lock) != 0 && !result) flags |= __tsan_mutex_try_lock_failed;
    if (call.outermost()) __tsan_mutex_post_lock(mutex, flags, 0);
    return result;
  }
}

template <typename Body>
void Unlocking(absl::Mutex* mutex, unsigned flags, Body body) {
  const Call call;
  if (call.outermost()) __tsan_mutex_pre_unlock(mutex, flags);
  body();
  if (call.outermost()) __tsan_mutex_post_unlock(mutex, flags);
}

// A wait gives the lock away and takes it again.
template <typename Body>
auto Waiting(absl::Mutex* mutex, Body body) {
  if (depth == 0) {
    __tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
  }
  return Locking(mutex, 0, body);
}

}  // namespace

#define SEALWARD_REAL(type, name) static auto* const real = Real<type>(name)

namespace absl {
ABSL_NAMESPACE_BEGIN

#define SEALWARD_MUTEX "_ZN4absl7debian35Mutex"
#define SEALWARD_CONDITION "ERKNS0_9ConditionE"

Mutex::~Mutex() {
  SEALWARD_REAL(void(Mutex*), SEALWARD_MUTEX "D1Ev");
  __tsan_mutex_destroy(this, __tsan_mutex_not_static);
  real(this);
}

void Mutex::Lock() {
  SEALWARD_REAL(void(Mutex*), SEALWARD_MUTEX "4LockEv");
  Locking(this, 0, [this] { real(this); });
}

void Mutex::Unlock() {
  SEALWARD_REAL(void(Mutex*), SEALWARD_MUTEX "6UnlockEv");
  Unlocking(this, 0, [this] { real(this); });
}

bool Mutex::TryLock() {
  SEALWARD_REAL(bool(Mutex*), SEALWARD_MUTEX "7TryLockEv");
  return Locking(this, __tsan_mutex_try_lock, [this] { return real(this); });
}

void Mutex::ReaderLock() {
  SEALWARD_REAL(void(Mutex*), SEALWARD_MUTEX "10ReaderLockEv");
  Locking(this, __tsan_mutex_read_lock, [this] { real(this); });
}

void Mutex::ReaderUnlock() {
  SEALWARD_REAL(void(Mutex*), SEALWARD_MUTEX "12ReaderUnlockEv");
  Unlocking(this, __tsan_mutex_read_lock, [this] { real(this); });
}

bool Mutex::ReaderTryLock() {
  SEALWARD_REAL(bool(Mutex*), SEALWARD_MUTEX "13ReaderTryLockEv");
  return Locking(this, __tsan_mutex_try_lock | __tsan_mutex_read_lock,
                 [this] { return real(this); });
}

void Mutex::LockWhen(const Condition& condition) {
  SEALWARD_REAL(void(Mutex*, const Condition&), SEALWARD_MUTEX "8LockWhen" SEALWARD_CONDITION);
  Locking(this, 0, [&] { real(this, condition); });
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, absl::Duration timeout) {
  SEALWARD_REAL(bool(Mutex*, const Condition&, absl::Duration),
                SEALWARD_MUTEX "19LockWhenWithTimeout" SEALWARD_CONDITION "NS0_8DurationE");
  return Locking(this, 0, [&] { return real(this, condition, timeout); });
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, absl::Time deadline) {
  SEALWARD_REAL(bool(Mutex*, const Condition&, absl::Time),
                SEALWARD_MUTEX "20LockWhenWithDeadline" SEALWARD_CONDITION "NS0_4TimeE");
  return Locking(this, 0, [&] { return real(this, condition, deadline); });
}

void Mutex::ReaderLockWhen(const Condition& condition) {
  SEALWARD_REAL(void(Mutex*, const Condition&),
                SEALWARD_MUTEX "14ReaderLockWhen" SEALWARD_CONDITION);
  Locking(this, __tsan_mutex_read_lock, [&] { real(this, condition); });
}

bool Mutex::ReaderLockWhenWithTimeout(const Condition& condition, absl::Duration timeout) {
  SEALWARD_REAL(bool(Mutex*, const Condition&, absl::Duration),
                SEALWARD_MUTEX "25ReaderLockWhenWithTimeout" SEALWARD_CONDITION "NS0_8DurationE");
  return Locking(this, __tsan_mutex_read_lock, [&] { return real(this, condition, timeout); });
}

bool Mutex::ReaderLockWhenWithDeadline(const Condition& condition, absl::Time deadline) {
  SEALWARD_REAL(bool(Mutex*, const Condition&, absl::Time),
                SEALWARD_MUTEX "26ReaderLockWhenWithDeadline" SEALWARD_CONDITION "NS0_4TimeE");
  return Locking(this, __tsan_mutex_read_lock, [&] { return real(this, condition, deadline); });
}

void Mutex::Await(const Condition& condition) {
  SEALWARD_REAL(void(Mutex*, const Condition&), SEALWARD_MUTEX "5Await" SEALWARD_CONDITION);
  Waiting(this, [&] { real(this, condition); });
}

bool Mutex::AwaitWithTimeout(const Condition& condition, absl::Duration timeout) {
  SEALWARD_REAL(bool(Mutex*, const Condition&, absl::Duration),
                SEALWARD_MUTEX "16AwaitWithTimeout" SEALWARD_CONDITION "NS0_8DurationE");
  return Waiting(this, [&] { return real(this, condition, timeout); });
}

bool Mutex::AwaitWithDeadline(const Condition& condition, absl::Time deadline) {
  SEALWARD_REAL(bool(Mutex*, const Condition&, absl::Time),
                SEALWARD_MUTEX "17AwaitWithDeadline" SEALWARD_CONDITION "NS0_4TimeE");
  return Waiting(this, [&] { return real(this, condition, deadline); });
}

void CondVar::Wait(Mutex* mutex) {
  SEALWARD_REAL(void(CondVar*, Mutex*), "_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE");
  Waiting(mutex, [&] { real(this, mutex); });
}

bool CondVar::WaitWithTimeout(Mutex* mutex, absl::Duration timeout) {
  SEALWARD_REAL(bool(CondVar*, Mutex*, absl::Duration),
                "_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  return Waiting(mutex, [&] { return real(this, mutex, timeout); });
}

bool CondVar::WaitWithDeadline(Mutex* mutex, absl::Time deadline) {
  SEALWARD_REAL(bool(CondVar*, Mutex*, absl::Time),
                "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  return Waiting(mutex, [&] { return real(this, mutex, deadline); });
}

// A BlockingCounter counts with an atomic of the library's, which TSan does not see.
bool BlockingCounter::DecrementCount() {
  SEALWARD_REAL(bool(BlockingCounter*), "_ZN4absl7debian315BlockingCounter14DecrementCountEv");
  __tsan_release(this);
  return real(this);
}

void BlockingCounter::Wait() {
  SEALWARD_REAL(void(BlockingCounter*), "_ZN4absl7debian315BlockingCounter4WaitEv");
  real(this);
  __tsan_acquire(this);
}

ABSL_NAMESPACE_END
}  // namespace absl
