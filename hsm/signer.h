// Signing with one key of the partition.
#ifndef SEALWARD_HSM_SIGNER_H_
#define SEALWARD_HSM_SIGNER_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hsm/key_store.h"
#include "hsm/open_partition.h"
#include "hsm/session_copies.h"

namespace sealward::hsm {

// Signer hashes and signs. Not thread-safe.
class Signer {
 public:
  // INTERNAL if OpenSSL has no SHA-256.
  static absl::StatusOr<std::unique_ptr<Signer>> Create(OpenPartition& partition, KeyStore& keys,
                                                        SessionCopies& copies);
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  // Signs `message` with the pair `object`, in JWS form (RFC 7518 section 3.4),
  // and counts it. Where a handle has gone stale or the session is in doubt, the
  // pair is looked for again and its public key compared, once: `object` is then
  // the new one. Not after what hsm/outage.h takes for the end of the process.
  absl::Status Sign(KeyObject*& object, absl::string_view message, std::string& signature);

 private:
  Signer(OpenPartition& partition, KeyStore& keys, SessionCopies& copies, EVP_MD* sha256,
         EVP_MD_CTX* context)
      : partition_(partition), keys_(keys), copies_(copies), sha256_(sha256), context_(context) {}

  CK_RV SignOnce(KeyObject& object, absl::string_view message, std::string& signature);
  bool Hash(absl::string_view message, unsigned char* digest);
  absl::Status RenewSession();
  absl::Status Recover(KeyObject*& object);

  OpenPartition& partition_;
  KeyStore& keys_;
  SessionCopies& copies_;
  // Kept, because fetching them for each signature costs 1 µs.
  EVP_MD* sha256_;
  EVP_MD_CTX* context_;
  bool session_in_doubt_ = false;  // an operation failed in it and may still be active
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_SIGNER_H_
