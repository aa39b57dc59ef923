// A PKCS#11 module driven directly, with none of hsm/'s code: what the service
// is compared with.
#ifndef SEALWARD_TESTS_BENCH_RAW_MODULE_H_
#define SEALWARD_TESTS_BENCH_RAW_MODULE_H_

#include <p11-kit/pkcs11.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/scheme.h"

namespace sealward::bench {

// What to open. Relative paths are below the working directory.
struct PartitionConfig {
  std::string module;    // path of the PKCS#11 library
  std::string label;     // CK_TOKEN_INFO.label
  std::string pin_file;  // holds the PIN and nothing else but white space at its end
  // Locked around C_Initialize and C_Login: SoftHSM rewrites the file with the
  // partition's master key at every login.
  std::string lock_file;
};

// RawModule is one logged-in session on one partition. Not thread-safe, but another one
// of the same module may be used at the same time.
class RawModule {
 public:
  static absl::StatusOr<std::unique_ptr<RawModule>> Open(const PartitionConfig& config);
  // One more session, logged in by this one's login. REQUIRES: this one lives longer.
  absl::StatusOr<std::unique_ptr<RawModule>> OpenAnother();
  ~RawModule();

  // Private keys whose `attribute` (CKA_LABEL or CKA_ID) is `value`.
  absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindPrivateKeys(CK_ATTRIBUTE_TYPE attribute,
                                                                std::string value);

  // A session-object copy of `object`: what sealward-hsm signs with.
  absl::StatusOr<CK_OBJECT_HANDLE> CopyToSession(CK_OBJECT_HANDLE object);

  // Signs `message` with the hasher's scheme, in JWS form into `signature`, which has room for the
  // longest one. Returns its length, or the CK_RV as an error.
  static constexpr size_t kMaxSignatureBytes = 512;
  absl::StatusOr<size_t> Sign(Hasher& hasher, CK_OBJECT_HANDLE key, absl::string_view message,
                              std::array<unsigned char, kMaxSignatureBytes>& signature);

 private:
  RawModule() = default;
  absl::Status Load(const std::string& path);
  absl::Status Login(const PartitionConfig& config);
  absl::StatusOr<CK_SLOT_ID> FindSlot(absl::string_view label);
  absl::Status OpenSession();

  CK_FUNCTION_LIST* functions_ = nullptr;
  bool is_another_ = false;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_RAW_MODULE_H_
