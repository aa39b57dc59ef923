// What an object of the partition says about itself.
//
//   CKA_ID    16 bytes, chosen at random by the server before generation
//   CKA_LABEL "sealward:1:" purpose ["+" alg] ":" key
//             purpose "jwt" or "raw", key "tenants/{tenant}/keys/{key}"; alg, for example
//             "PS256", where it is not the usual one of the pair's kind (IsUsual): one
//             pair signs with one algorithm for ever (RFC 8725 section 3.1)
//             "sealward:1:canary" for the key that health checks sign with
//
// The label is written when the pair is generated and never changed: what an
// object may be used for does not depend on what the server remembers.
#ifndef SEALWARD_HSM_OBJECT_LABEL_H_
#define SEALWARD_HSM_OBJECT_LABEL_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sealward/hsm/v1/hsm.pb.h"

namespace sealward::hsm {

inline constexpr size_t kObjectIdBytes = 16;
using ObjectId = std::array<char, kObjectIdBytes>;

// A store's lineage, in an epoch.
inline constexpr size_t kLineageBytes = 16;

// CKA_ID of the canary, and its label.
inline constexpr ObjectId kCanaryId = {'s', 'e', 'a', 'l', 'w', 'a', 'r', 'd',
                                       '-', 'c', 'a', 'n', 'a', 'r', 'y', '1'};
inline constexpr absl::string_view kCanaryLabel = "sealward:1:canary";

// Every label of Sealward's starts with this.
inline constexpr absl::string_view kLabelPrefix = "sealward:";

// The id in `bytes`, or nullopt unless it has kObjectIdBytes.
std::optional<ObjectId> ToObjectId(absl::string_view bytes);
inline absl::string_view View(const ObjectId& id) { return {id.data(), id.size()}; }

// The order of pages: bytewise, unlike that of std::array<char>.
struct ByBytes {
  bool operator()(const ObjectId& a, const ObjectId& b) const { return View(a) < View(b); }
};

// "3f0a…", for messages.
std::string Hex(const ObjectId& id);

// INVALID_ARGUMENT (OBJECT_REF_INVALID) with this message.
absl::Status InvalidRef(absl::string_view what);
// The id in a request; InvalidRef unless it has kObjectIdBytes.
absl::StatusOr<ObjectId> ParseObjectId(absl::string_view bytes);

// ObjectLabel is a label of a key that signs for a tenant.
struct ObjectLabel {
  v1::ObjectPurpose purpose = v1::OBJECT_PURPOSE_UNSPECIFIED;
  std::string key;       // tenants/{tenant}/keys/{key}
  std::string jose_alg;  // empty for the usual one

  // The CKA_LABEL.
  std::string ToString() const;
  // The label in a CKA_LABEL; nullopt if it is not exactly of this form.
  static std::optional<ObjectLabel> Parse(absl::string_view text);
  // The label that `ref` asks for, of the usual algorithm; nullopt if the purpose is unknown
  // or the key is no key's resource name.
  static std::optional<ObjectLabel> FromRef(const v1::ObjectRef& ref);
  // Whether both are of the same key and purpose, whatever their algorithms.
  bool IsOfSameKey(const ObjectLabel& other) const {
    return purpose == other.purpose && key == other.key;
  }

  bool operator==(const ObjectLabel&) const = default;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_OBJECT_LABEL_H_
