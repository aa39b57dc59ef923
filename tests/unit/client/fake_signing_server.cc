#include "tests/unit/client/fake_signing_server.h"

#include <grpc/grpc_security_constants.h>

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace sealward::client {
namespace {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // A status without details stands for one that gRPC itself makes.
  std::string details;
  const google::rpc::Status rpc = ToRpcStatus(status);
  if (rpc.details_size() > 0) details = rpc.SerializeAsString();
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details);
}

std::string JwtOf(const v1::SignJwtRequest& request) {
  if (request.has_signing_input()) return absl::StrCat(request.signing_input(), ".signature");
  return absl::StrCat("jwt of ", request.claims());
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(std::string(status.message()));
  status.ForEachPayload([&rpc](absl::string_view url, const absl::Cord& value) {
    auto* detail = rpc.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(value));
  });
  return rpc;
}

FakeSigningServer::FakeSigningServer(const TestCa& ca) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = ca.Read("ca.pem");
  tls.pem_key_cert_pairs.push_back({ca.Read("server.key"), ca.Read("server.pem")});
  grpc::ServerBuilder builder;
  // Tests ping as often as they like.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr);
}

FakeSigningServer::~FakeSigningServer() {
  Release();
  Drop();
}

void FakeSigningServer::Script(std::vector<absl::Status> outcomes) {
  absl::MutexLock lock(&mu_);
  for (auto& outcome : outcomes) script_.push_back(std::move(outcome));
}

void FakeSigningServer::Hold() {
  absl::MutexLock lock(&mu_);
  held_ = true;
}

void FakeSigningServer::Release() {
  absl::MutexLock lock(&mu_);
  held_ = false;
}

void FakeSigningServer::Drop() { server_->Shutdown(std::chrono::system_clock::now()); }

std::vector<int> FakeSigningServer::seen() const {
  absl::MutexLock lock(&mu_);
  return seen_;
}

std::string FakeSigningServer::last_peer() const {
  absl::MutexLock lock(&mu_);
  return last_peer_;
}

void FakeSigningServer::SetSigningKey(v1::SigningKey key) {
  absl::MutexLock lock(&mu_);
  signing_key_ = std::move(key);
}

void FakeSigningServer::AwaitSeen(size_t count) const {
  absl::MutexLock lock(&mu_);
  const auto enough = [this, count]()
                          ABSL_SHARED_LOCKS_REQUIRED(mu_) { return seen_.size() >= count; };
  mu_.Await(absl::Condition(&enough));
}

std::string FakeSigningServer::target() const { return absl::StrCat("localhost:", port_); }

bool FakeSigningServer::Arrive(grpc::ServerContext* context, int size) {
  absl::MutexLock lock(&mu_);
  seen_.push_back(size);
  for (const auto& name : context->auth_context()->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME)) {
    last_peer_ = std::string(name.data(), name.size());
  }
  // gRPC has nothing to wait on for a cancelled call: look again now and then.
  const auto go_on = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !held_; };
  while (!context->IsCancelled() &&
         !mu_.AwaitWithTimeout(absl::Condition(&go_on), absl::Milliseconds(5))) {
  }
  return !context->IsCancelled();
}

absl::Status FakeSigningServer::Next() {
  absl::MutexLock lock(&mu_);
  if (script_.empty()) return absl::OkStatus();
  absl::Status next = std::move(script_.front());
  script_.pop_front();
  return next;
}

grpc::Status FakeSigningServer::SignJwt(grpc::ServerContext* context,
                                        const v1::SignJwtRequest* request,
                                        v1::SignJwtResponse* response) {
  if (!Arrive(context, 1)) return grpc::Status::CANCELLED;
  response->set_jwt(JwtOf(*request));
  response->set_kid(absl::StrCat("kid of ", request->key(), " ", request->typ()));
  return ToGrpc(Next());
}

grpc::Status FakeSigningServer::BatchSignJwt(grpc::ServerContext* context,
                                             const v1::BatchSignJwtRequest* request,
                                             v1::BatchSignJwtResponse* response) {
  if (!Arrive(context, request->requests_size())) return grpc::Status::CANCELLED;
  for (const auto& one : request->requests()) {
    auto* result = response->add_results();
    if (const absl::Status next = Next(); !next.ok()) {
      *result->mutable_error() = ToRpcStatus(next);
    } else {
      result->mutable_response()->set_jwt(JwtOf(one));
    }
  }
  return grpc::Status::OK;
}

v1::SignRawRequest FakeSigningServer::last_raw() const {
  absl::MutexLock lock(&mu_);
  return last_raw_;
}

void FakeSigningServer::SignRaw(const v1::SignRawRequest& request, v1::SignRawResponse* response) {
  response->set_signature(absl::StrCat("signature of ", request.message(), request.digest()));
  response->set_kid("kid");
  absl::MutexLock lock(&mu_);
  last_raw_ = request;
}

grpc::Status FakeSigningServer::SignRaw(grpc::ServerContext* context,
                                        const v1::SignRawRequest* request,
                                        v1::SignRawResponse* response) {
  if (!Arrive(context, 1)) return grpc::Status::CANCELLED;
  SignRaw(*request, response);
  return ToGrpc(Next());
}

grpc::Status FakeSigningServer::BatchSignRaw(grpc::ServerContext* context,
                                             const v1::BatchSignRawRequest* request,
                                             v1::BatchSignRawResponse* response) {
  if (!Arrive(context, request->requests_size())) return grpc::Status::CANCELLED;
  for (const auto& one : request->requests()) {
    auto* result = response->add_results();
    if (const absl::Status next = Next(); !next.ok()) {
      *result->mutable_error() = ToRpcStatus(next);
    } else {
      SignRaw(one, result->mutable_response());
    }
  }
  return grpc::Status::OK;
}

grpc::Status FakeSigningServer::GetSigningKey(grpc::ServerContext* context,
                                              const v1::GetSigningKeyRequest* request,
                                              v1::SigningKey* response) {
  if (!Arrive(context, 1)) return grpc::Status::CANCELLED;
  {
    absl::MutexLock lock(&mu_);
    *response = signing_key_;
  }
  if (response->version().empty())
    response->set_version(absl::StrCat(request->key(), "/versions/1"));
  return ToGrpc(Next());
}

}  // namespace sealward::client
