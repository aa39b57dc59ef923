#include "server/publish/https_server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/errors.h"
#include "server/publish/https_session.h"
#include "server/publish/tls_context.h"

namespace sealward::publish {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After an accept that failed (out of descriptors, most likely): trying again at
// once would take a whole core.
constexpr std::chrono::milliseconds kAcceptRetry{100};

absl::StatusOr<tcp::endpoint> ParseAddress(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  unsigned int port = 0;
  if (colon != std::string::npos && absl::SimpleAtoi(listen.substr(colon + 1), &port) &&
      port <= 0xffff) {
    std::string host = listen.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error && address.is_v6() == bracketed) {
      return tcp::endpoint(address, static_cast<uint16_t>(port));
    }
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "LISTEN_ADDRESS_INVALID",
                   absl::StrCat("listen address \"", listen.substr(0, 80),
                                "\" is no IP address with a port; write 127.0.0.1:8443 or "
                                "[::1]:8443"));
}

absl::Status CannotListen(const std::string& listen, error_code error) {
  if (error == asio::error::address_in_use) {
    return MakeError(
        absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
        absl::StrCat("another process listens on ", listen, "; stop it or choose another port"));
  }
  return MakeError(absl::StatusCode::kInternal, "LISTEN_FAILED",
                   absl::StrCat("cannot listen on ", listen, ": ", error.message()));
}

}  // namespace

struct HttpsServer::Impl {
  SessionContext context;
  absl::Mutex mu;
  std::shared_ptr<asio::ssl::context> tls ABSL_GUARDED_BY(mu);
  absl::flat_hash_map<HttpsSession*, std::weak_ptr<HttpsSession>> sessions ABSL_GUARDED_BY(mu);
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::string address;
  uint16_t port = 0;
  std::vector<std::thread> threads;
  // Last, so that it ends first and with it every session that it still holds.
  asio::io_context io;
  asio::strand<asio::io_context::executor_type> accept_strand = asio::make_strand(io);
  tcp::acceptor acceptor{accept_strand};
  asio::steady_timer retry{accept_strand};

  absl::Status Load(const std::string& client_ca_pem) {
    auto made = MakeTlsContext(context.options.certificate_path, context.options.private_key_path,
                               client_ca_pem);
    if (!made.ok()) return made.status();
    auto next = std::make_shared<asio::ssl::context>(made->release());  // takes it over
    const absl::MutexLock lock(&mu);
    tls = std::move(next);
    return absl::OkStatus();
  }

  absl::Status Listen() {
    const absl::StatusOr<tcp::endpoint> endpoint = ParseAddress(context.options.listen);
    if (!endpoint.ok()) return endpoint.status();
    error_code error;
    acceptor.open(endpoint->protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(*endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    tcp::endpoint bound;
    if (!error) bound = acceptor.local_endpoint(error);
    if (error) return CannotListen(context.options.listen, error);
    port = bound.port();
    const std::string host = bound.address().to_string();
    address = absl::StrCat(bound.address().is_v6() ? absl::StrCat("[", host, "]") : host, ":",
                           bound.port());
    return absl::OkStatus();
  }

  void Accept() {
    acceptor.async_accept(asio::make_strand(io), [this](error_code error, tcp::socket socket) {
      if (context.draining) return;
      if (error) return AcceptLater();
      Begin(std::move(socket));
      Accept();
    });
  }

  void AcceptLater() {
    retry.expires_after(kAcceptRetry);
    retry.async_wait([this](error_code) {
      if (!context.draining) Accept();
    });
  }

  void Begin(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::shared_ptr<HttpsSession> session;
    {
      const absl::MutexLock lock(&mu);
      if (sessions.size() >= context.options.limits.connections) return;  // closes it
      session = MakeHttpsSession(std::move(socket), *tls, &context);
      sessions.emplace(session.get(), session);
    }
    session->Start();
  }

  void End(HttpsSession* session) {
    const absl::MutexLock lock(&mu);
    sessions.erase(session);
  }

  // Every connection at this moment.
  std::vector<std::shared_ptr<HttpsSession>> Sessions() {
    std::vector<std::shared_ptr<HttpsSession>> alive;
    const absl::MutexLock lock(&mu);
    for (const auto& [pointer, weak] : sessions) {
      if (auto session = weak.lock()) alive.push_back(std::move(session));
    }
    return alive;
  }

  void CloseAcceptor() {
    error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
    for (const auto& session : Sessions()) session->Drain();
  }
};

absl::StatusOr<std::unique_ptr<HttpsServer>> HttpsServer::Start(HttpsOptions options,
                                                                HttpHandler handler,
                                                                const Clock* clock) {
  auto impl = std::make_unique<Impl>();
  impl->context.handler = std::move(handler);
  impl->context.options = std::move(options);
  impl->context.clock = clock;
  impl->context.on_end = [raw = impl.get()](HttpsSession* session) { raw->End(session); };
  if (absl::Status tls = impl->Load(impl->context.options.client_ca_pem); !tls.ok()) return tls;
  absl::Status listening = impl->Listen();
  if (!listening.ok()) return listening;

  Impl* const raw = impl.get();
  asio::post(raw->accept_strand, [raw] { raw->Accept(); });
  const int threads = std::clamp(raw->context.options.threads, 1, kMaxHttpsThreads);
  for (int i = 0; i < threads; ++i) raw->threads.emplace_back([raw] { raw->io.run(); });
  return std::unique_ptr<HttpsServer>(new HttpsServer(std::move(impl)));
}

HttpsServer::HttpsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpsServer::~HttpsServer() { Stop(absl::ZeroDuration()); }

std::string HttpsServer::address() const { return impl_->address; }
uint16_t HttpsServer::port() const { return impl_->port; }

absl::Status HttpsServer::Reload(std::string client_ca_pem) { return impl_->Load(client_ca_pem); }

void HttpsServer::Stop(absl::Duration deadline) {
  Impl& impl = *impl_;
  {
    const absl::MutexLock lock(&impl.mu);
    if (std::exchange(impl.stopped, true)) return;
  }
  impl.context.draining = true;
  asio::post(impl.accept_strand, [&impl] { impl.CloseAcceptor(); });
  {
    const absl::MutexLock lock(&impl.mu);
    const auto none = [&impl]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl.mu) { return impl.sessions.empty(); };
    impl.mu.AwaitWithTimeout(absl::Condition(&none), deadline);
  }
  impl.io.stop();
  for (std::thread& thread : impl.threads) thread.join();
}

}  // namespace sealward::publish
