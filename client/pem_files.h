// Private to client/: certificate and key files, checked before they are given to
// gRPC, which would only say "handshake failed".
#ifndef SEALWARD_CLIENT_PEM_FILES_H_
#define SEALWARD_CLIENT_PEM_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::client {

// PemPaths says where the files are.
struct PemPaths {
  std::string ca;
  std::string certificate;
  std::string private_key;
};

// PemSet is what they hold. Wiped when it goes.
class PemSet {
 public:
  PemSet(std::string ca, std::string identity)
      : ca_(std::move(ca)), identity_(std::move(identity)) {}
  PemSet(PemSet&& other) noexcept = default;
  PemSet& operator=(PemSet&&) = delete;
  ~PemSet();

  absl::string_view ca() const { return ca_; }
  // The private key, then the certificates.
  absl::string_view identity() const { return identity_; }
  // SHA-256 of both, to compare.
  std::string Digest() const;

 private:
  std::string ca_;
  std::string identity_;
};

// The content of the files, if the CA file holds certificates, and the others a
// certificate that is valid at `now` and its key. Errors as Connection::Open.
absl::StatusOr<PemSet> ReadPemFiles(const PemPaths& paths, absl::Time now);

}  // namespace sealward::client

#endif  // SEALWARD_CLIENT_PEM_FILES_H_
