// Signing with one key of the partition.
#ifndef SEALWARD_HSM_SIGNER_H_
#define SEALWARD_HSM_SIGNER_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/signature_input.h"
#include "hsm/key_store.h"
#include "hsm/open_partition.h"
#include "hsm/session_copies.h"

namespace sealward::hsm {

// Whether what was refused with `rv` may go well with the pair looked for again.
bool MayTryAgain(CK_RV rv);

// Signer hashes and signs, in one of the partition's sessions. Not thread-safe.
class Signer {
 public:
  // Signs in `partition.signing[session]`. INTERNAL if OpenSSL has no SHA-2.
  static absl::StatusOr<std::unique_ptr<Signer>> Create(OpenPartition& partition, KeyStore& keys,
                                                        SessionCopies& copies, size_t session = 0);
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  // Signs `input` with the pair `object`, in JWS form (RFC 7518 section 3.4),
  // and counts it. Where a handle has gone stale or the session is in doubt, the
  // pair is looked for again and its public key compared, once: `object` is then
  // the new one. Not after what hsm/outage.h takes for the end of the process.
  absl::Status Sign(KeyObject*& object, const SignatureInput& input, std::string& signature);

  // The same in two steps, for several Signers of one partition at the same time
  // (parallel_signer.h). Settle opens the session again where it is in doubt; where that
  // fails there is none until a later Settle goes well. TryOnce, after one that did, then
  // signs once: it counts nothing, looks for nothing again, and, where the profile has no
  // session copies, changes nothing but its own session and `signature`.
  absl::Status Settle();
  CK_RV TryOnce(KeyObject& object, const SignatureInput& input, std::string& signature);

 private:
  Signer(OpenPartition& partition, KeyStore& keys, SessionCopies& copies, size_t session,
         EVP_MD_CTX* context)
      : partition_(partition), keys_(keys), copies_(copies), session_(session), context_(context) {}

  CK_RV SignOnce(KeyObject& object, const SignatureInput& input, std::string& signature);
  absl::Status RenewSession();
  absl::Status Recover(KeyObject*& object);

  OpenPartition& partition_;
  KeyStore& keys_;
  SessionCopies& copies_;
  size_t session_;
  EVP_MD_CTX* context_;
  // An operation failed in it and may still be active, or it is closed.
  bool session_in_doubt_ = false;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_SIGNER_H_
