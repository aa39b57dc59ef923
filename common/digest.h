// Hashes of messages, for those who sign or verify many.
#ifndef SEALWARD_COMMON_DIGEST_H_
#define SEALWARD_COMMON_DIGEST_H_

#include <openssl/evp.h>

#include "absl/strings/string_view.h"
#include "common/algorithms.h"

namespace sealward {

inline constexpr size_t kMaxHashBytes = HashBytes(Hash::kSha512);

// OpenSSL's algorithm for `hash`; nullptr for kNone, or where OpenSSL has it not. Fetched once,
// since OpenSSL 3.0 takes locks and looks through its providers each time, and never freed,
// since threads may hash until the process ends. Thread-safe.
const EVP_MD* DigestOf(Hash hash);

// Writes HashBytes(hash) bytes of hash(message) to `out`; false if OpenSSL fails. The context
// is used again from call to call: one for each thread.
bool Digest(EVP_MD_CTX* context, Hash hash, absl::string_view message, unsigned char* out);

}  // namespace sealward

#endif  // SEALWARD_COMMON_DIGEST_H_
