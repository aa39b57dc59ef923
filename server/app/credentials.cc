#include "server/app/credentials.h"

#include <utility>

#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace sealward::app {
namespace {

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// PeerVerifier asks the check, at once.
class PeerVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit PeerVerifier(PeerCheck check) : check_(std::move(check)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*callback*/, grpc::Status* sync_status) override {
    const absl::Status status =
        check_(View(request->peer_cert()), View(request->peer_cert_full_chain()));
    *sync_status = status.ok() ? grpc::Status::OK
                               : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                              std::string(status.message()));
    return true;  // done
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  const PeerCheck check_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const std::string& identity_path,
                                                               const std::string& roots_path,
                                                               PeerCheck check) {
  namespace tls = grpc::experimental;
  auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(
      identity_path, identity_path, roots_path, kStagedRefreshSeconds);
  tls::TlsServerCredentialsOptions options(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<PeerVerifier>(std::move(check)));
  return tls::TlsServerCredentials(options);
}

}  // namespace sealward::app
