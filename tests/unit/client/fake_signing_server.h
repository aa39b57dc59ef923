// A real gRPC server over mTLS whose signing service misbehaves as told.
#ifndef SEALWARD_TESTS_UNIT_CLIENT_FAKE_SIGNING_SERVER_H_
#define SEALWARD_TESTS_UNIT_CLIENT_FAKE_SIGNING_SERVER_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server.h"
#include "sealward/v1/signing_service.grpc.pb.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {

// FakeSigningServer answers "jwt of <claims>", "<signing input>.signature" or
// "signature of <input>" unless the script says otherwise.
// A "held" call gets no answer until the client gives up or Release.
class FakeSigningServer final : public v1::SigningService::Service {
 public:
  // `ca` must have issued "server".
  explicit FakeSigningServer(const TestCa& ca);
  ~FakeSigningServer() override;

  // What the next requests get, in order; OK is a signature. In a batch every
  // entry takes one.
  void Script(std::vector<absl::Status> outcomes);
  // Calls from now on are held.
  void Hold();
  void Release();
  // Closes every connection under its calls, and stops listening.
  void Drop();

  // Sizes of the requests seen so far; 1 for a SignJwt.
  std::vector<int> seen() const;
  // The common name of the client certificate under the last request.
  std::string last_peer() const;
  // Returns when `count` requests have been seen.
  void AwaitSeen(size_t count) const;
  std::string target() const;
  int port() const { return port_; }

  // The last request of SignRaw, or of a batch of it.
  v1::SignRawRequest last_raw() const;
  // What GetSigningKey answers from now on.
  void SetSigningKey(v1::SigningKey key);

 private:
  grpc::Status SignJwt(grpc::ServerContext* context, const v1::SignJwtRequest* request,
                       v1::SignJwtResponse* response) override;
  grpc::Status BatchSignJwt(grpc::ServerContext* context, const v1::BatchSignJwtRequest* request,
                            v1::BatchSignJwtResponse* response) override;
  grpc::Status SignRaw(grpc::ServerContext* context, const v1::SignRawRequest* request,
                       v1::SignRawResponse* response) override;
  grpc::Status BatchSignRaw(grpc::ServerContext* context, const v1::BatchSignRawRequest* request,
                            v1::BatchSignRawResponse* response) override;
  grpc::Status GetSigningKey(grpc::ServerContext* context, const v1::GetSigningKeyRequest* request,
                             v1::SigningKey* response) override;
  // Whether the call is to be answered; false if it ended while it was held.
  bool Arrive(grpc::ServerContext* context, int size);
  absl::Status Next();
  void SignRaw(const v1::SignRawRequest& request, v1::SignRawResponse* response);

  mutable absl::Mutex mu_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<absl::Status> script_ ABSL_GUARDED_BY(mu_);
  std::vector<int> seen_ ABSL_GUARDED_BY(mu_);
  std::string last_peer_ ABSL_GUARDED_BY(mu_);
  v1::SignRawRequest last_raw_ ABSL_GUARDED_BY(mu_);
  v1::SigningKey signing_key_ ABSL_GUARDED_BY(mu_);
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// google.rpc.Status of an error, as the real server sends it.
google::rpc::Status ToRpcStatus(const absl::Status& status);

}  // namespace sealward::client

#endif  // SEALWARD_TESTS_UNIT_CLIENT_FAKE_SIGNING_SERVER_H_
