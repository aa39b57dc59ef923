// Private to client/: what is behind SigningKeyCache.
#ifndef SEALWARD_CLIENT_SIGNING_KEY_CORE_H_
#define SEALWARD_CLIENT_SIGNING_KEY_CORE_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/signing_key_cache.h"
#include "client/waiters.h"

namespace sealward::client {

// SigningKeyCache::Core is the cache itself. Whatever is under way holds on to it, so
// that answers find it after the SigningKeyCache has gone; then Get answers CANCELLED.
// Thread-safe.
class SigningKeyCache::Core : public std::enable_shared_from_this<SigningKeyCache::Core> {
 public:
  Core(Signer* signer, const Options& options) : signer_(signer), options_(options) {}

  void Get(absl::string_view key, absl::Time deadline, Callback done);
  void Invalidate(absl::string_view key, absl::string_view kid);
  void Close();

 private:
  // Fetch is one request under way, and who waits for it.
  struct Fetch {
    explicit Fetch(const Options& options)
        : waiters(std::make_shared<Waiters>(options.clock, options.timers)) {}
    const std::shared_ptr<Waiters> waiters;
    absl::Time started;
    std::string refused_kid;  // since it started
    absl::StatusOr<Key> outcome;
  };
  struct Entry {
    Key key;  // null if there is none to give out
    absl::Time refresh = absl::InfinitePast();
    absl::Time expires = absl::InfinitePast();
    std::shared_ptr<Fetch> fetch;  // null if none is under way
  };

  std::shared_ptr<Fetch> BeginFetch(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakePlace() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Send(const std::string& key, const std::shared_ptr<Fetch>& fetch);
  void OnFetched(const std::string& key, const std::shared_ptr<Fetch>& fetch,
                 absl::StatusOr<v1::SigningKey> answer);
  void Take(Entry& entry, const Fetch& fetch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Signer* const signer_;
  const Options options_;
  absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  int going_on_ ABSL_GUARDED_BY(mu_) = 0;  // threads that ask again or tell; Close waits for them
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_SIGNING_KEY_CORE_H_
