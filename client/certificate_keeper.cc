#include "client/certificate_keeper.h"

#include <utility>

#include "absl/time/clock.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace sealward::client {
namespace {

// How often gRPC looks at what is staged; it takes whole seconds.
constexpr unsigned kGrpcRefreshSeconds = 1;

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateKeeper>> CertificateKeeper::Open(
    PemPaths paths, absl::Duration refresh, std::shared_ptr<Metrics> metrics) {
  auto set = ReadPemFiles(paths, absl::Now());
  if (!set.ok()) return set.status();
  auto identity = StagedFile::Create(set->identity());
  if (!identity.ok()) return identity.status();
  auto roots = StagedFile::Create(set->ca());
  if (!roots.ok()) return roots.status();
  std::unique_ptr<CertificateKeeper> keeper(
      new CertificateKeeper(std::move(paths), std::move(metrics), *std::move(identity),
                            *std::move(roots), set->Digest()));
  keeper->thread_ = std::thread([raw = keeper.get(), refresh] { raw->Run(refresh); });
  return keeper;
}

CertificateKeeper::~CertificateKeeper() {
  {
    const absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<grpc::ChannelCredentials> CertificateKeeper::Credentials() const {
  // Key and certificates are in one file, so that gRPC never sees one without the other.
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      identity_.path(), identity_.path(), roots_.path(), kGrpcRefreshSeconds));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(tls);
}

absl::Status CertificateKeeper::Reload() {
  absl::Status status;
  bool tell = false;
  {
    const absl::MutexLock lock(&reload_mu_);
    news_ = false;
    status = TakeOver();
    tell = news_ || complaint_ != status.message();
    complaint_ = std::string(status.message());
  }
  if (tell && metrics_ != nullptr) metrics_->OnCertificates(status);
  return status;
}

absl::Status CertificateKeeper::TakeOver() {
  const auto next = ReadPemFiles(paths_, absl::Now());
  if (!next.ok()) return next.status();
  std::string digest = next->Digest();
  if (digest == digest_) return absl::OkStatus();
  // Roots first: a new certificate of ours may come with new CAs of the server's.
  absl::Status status = roots_.Replace(next->ca());
  if (status.ok()) status = identity_.Replace(next->identity());
  if (!status.ok()) return status;
  digest_ = std::move(digest);
  news_ = true;
  return absl::OkStatus();
}

void CertificateKeeper::Run(absl::Duration refresh) {
  while (true) {
    {
      const absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), refresh)) return;
    }
    // A fault is reported, and looked at again next time.
    Reload().IgnoreError();
  }
}

}  // namespace sealward::client
