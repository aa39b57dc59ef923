// The store: one narrow interface in etcd's shape, so that SQLite (embedded)
// and etcd (several servers) serve the same code. Values are bytes; what they
// mean is server/catalog's business.
#ifndef SEALWARD_SERVER_STORE_STORE_H_
#define SEALWARD_SERVER_STORE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::store {

// Limits, the same for every engine. Keys have 1 to kMaxKeyBytes bytes.
inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxValueBytes = 1024 * 1024;
inline constexpr int kMaxListLimit = 1000;
inline constexpr size_t kMaxTransactionOperations = 128;
inline constexpr int kMaxEventsPerPoll = 1000;

// Entry is one key with its value. Revisions count the transactions that changed
// something.
struct Entry {
  std::string key;
  std::string value;
  int64_t create_revision = 0;  // of the transaction that made the key
  int64_t mod_revision = 0;     // of the last one that wrote it
};

// Page is a part of a listing, in key order.
struct Page {
  std::vector<Entry> entries;
  bool more = false;
  int64_t revision = 0;  // of the store when it was read
};

// Compare is a condition: the key's mod_revision is exactly this; 0 means that
// the key does not exist.
struct Compare {
  std::string key;
  int64_t mod_revision = 0;
};

// Operation puts a value, or deletes the key where there is none. Deleting
// what is not there does nothing.
struct Operation {
  std::string key;
  std::optional<std::string> value;
};

// Transaction applies all operations if all conditions hold, else nothing.
// REQUIRES: no key occurs twice among the operations.
struct Transaction {
  std::vector<Compare> compares;
  std::vector<Operation> operations;
};

// Event is one change, as a watch sees it.
struct Event {
  std::string key;
  std::optional<std::string> value;  // nullopt: deleted
  int64_t mod_revision = 0;
};

// Watch yields the changes below a prefix in order, without gaps. Used by one
// thread, but Cancel may come from any.
class Watch {
 public:
  virtual ~Watch() = default;
  // Waits until there are changes, at most `timeout`; empty on time-out. Never
  // splits a transaction over two polls. OUT_OF_RANGE if the revision to resume
  // from has been compacted (list again); CANCELLED after Cancel.
  virtual absl::StatusOr<std::vector<Event>> Poll(absl::Duration timeout) = 0;
  virtual void Cancel() = 0;
};

// Leadership is held until it is destroyed or lost. held() renews it: a holder
// asks at least every half ttl, and has lost it for good once it is false.
class Leadership {
 public:
  virtual ~Leadership() = default;
  virtual bool held() const = 0;
};

// Store keeps entries durably. Thread-safe; every call may block on the disk.
//
// Errors of all calls: UNAVAILABLE if the engine cannot be reached or the disk
// is full (nothing was changed), DATA_LOSS if it is corrupt, INVALID_ARGUMENT
// beyond the limits above.
class Store {
 public:
  virtual ~Store() = default;

  // The entry, or nullopt.
  virtual absl::StatusOr<std::optional<Entry>> Get(absl::string_view key) = 0;

  // Entries whose key starts with `prefix` and is after `start_after` (empty:
  // from the first), at most `limit` (1 to kMaxListLimit).
  virtual absl::StatusOr<Page> List(absl::string_view prefix, absl::string_view start_after,
                                    int limit) = 0;

  // Commits durably and returns the new revision, or the present one where
  // nothing was to be changed. ABORTED (STORE_CONFLICT) if a condition does not
  // hold; its key is named in the message.
  virtual absl::StatusOr<int64_t> Commit(const Transaction& transaction) = 0;

  // Changes after `revision` (0: all that are kept), now and later. REQUIRES: the
  // store outlives the watch.
  virtual absl::StatusOr<std::unique_ptr<Watch>> WatchPrefix(absl::string_view prefix,
                                                             int64_t revision) = 0;

  // The revision of the last transaction; 0 for an empty store.
  virtual absl::StatusOr<int64_t> Revision() = 0;

  // Becomes the one leader of `name`, which lapses `ttl` after its holder
  // stopped renewing it. FAILED_PRECONDITION, naming the holder, if there is
  // another. `holder` is for people, for example "host:pid".
  virtual absl::StatusOr<std::unique_ptr<Leadership>> Lead(absl::string_view name,
                                                           absl::string_view holder,
                                                           absl::Duration ttl) = 0;
};

}  // namespace sealward::store

#endif  // SEALWARD_SERVER_STORE_STORE_H_
