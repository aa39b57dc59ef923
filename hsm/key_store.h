// The process's index of the partition's key pairs.
#ifndef SEALWARD_HSM_KEY_STORE_H_
#define SEALWARD_HSM_KEY_STORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "hsm/key_object.h"
#include "hsm/mark_store.h"
#include "hsm/pkcs11/session.h"
#include "hsm/session_copies.h"

namespace sealward::hsm {

// A search of the partition is linear in its objects (50 ms at 10,000), so an id
// that was not found is not searched for again for a while. Generate and Forget
// end that at once.
inline constexpr size_t kMaxRememberedMisses = 1024;
inline constexpr absl::Duration kMissLifetime = absl::Seconds(5);

// FoundObject is an object as a search sees it.
struct FoundObject {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  CK_OBJECT_CLASS object_class = CK_UNAVAILABLE_INFORMATION;
  std::string id;     // CKA_ID; empty if there is none
  std::string label;  // CKA_LABEL; empty if there is none
};

// KeyStore knows where key pairs are. Pointers to a KeyObject are good until
// its id is added again or forgotten. Not thread-safe.
class KeyStore {
 public:
  // `copies` is told of every KeyObject that ends.
  KeyStore(const pkcs11::Session& session, SessionCopies& copies, MarkStore& marks,
           const Clock& clock)
      : session_(session), copies_(copies), marks_(marks), clock_(clock) {}

  // Reads the whole partition by two searches, one for objects and one for marks:
  // every complete pair and its mark is known afterwards.
  absl::Status Refresh();

  // The pair with this id, from the index; or by one search for it and then one for
  // its marks, so that whoever marks a pair and then tells this process to forget it
  // can be sure. NOT_FOUND (OBJECT_NOT_FOUND) if the partition has no complete pair
  // with it.
  absl::StatusOr<KeyObject*> Find(const ObjectId& id);

  // Everything in the partition that carries this CKA_ID. An error, too, if one of it cannot
  // be read just now: what is whole must not look like half a pair.
  absl::StatusOr<std::vector<FoundObject>> Search(const ObjectId& id) const;

  // Makes a pair known, instead of what was known under its id. REQUIRES: it has no
  // mark.
  KeyObject* Add(const ObjectId& id, const pkcs11::KeyPair& handles, const std::string& label);

  // Drops handles, session copy and remembered miss; the counter stays.
  void Forget(const ObjectId& id);

  // Of the last Refresh: ids of tenants' keys in order, and how many key objects
  // belong to no pair that is attributable.
  const std::vector<ObjectId>& listed() const { return listed_; }
  uint32_t unattributable() const { return unattributable_; }
  bool refreshed() const { return refreshed_; }

 private:
  // What becomes of an object that cannot be read, by what IsDoubtful (hsm/pkcs11/rv.h).
  enum class Unreadable { kFails, kHasNoClass };

  absl::StatusOr<std::vector<FoundObject>> Describe(const std::vector<CK_OBJECT_HANDLE>& handles,
                                                    Unreadable unreadable) const;
  void TakeMarks();
  absl::Status NotFound(const ObjectId& id) const;
  bool IsRememberedMiss(const ObjectId& id);
  void RememberMiss(const ObjectId& id);

  const pkcs11::Session& session_;
  SessionCopies& copies_;
  MarkStore& marks_;
  const Clock& clock_;
  absl::flat_hash_map<ObjectId, std::unique_ptr<KeyObject>> objects_;
  absl::node_hash_map<ObjectId, uint64_t> signatures_;
  absl::flat_hash_map<ObjectId, absl::Time> misses_;
  std::deque<ObjectId> miss_order_;
  std::vector<ObjectId> listed_;
  uint32_t unattributable_ = 0;
  bool refreshed_ = false;
};

// The handles of the pair that `objects`, all of one CKA_ID, make: one private
// and one public key with the same label. nullopt if they do not.
std::optional<pkcs11::KeyPair> CompletePair(const std::vector<FoundObject>& objects);

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_KEY_STORE_H_
