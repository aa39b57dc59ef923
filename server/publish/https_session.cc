#include "server/publish/https_session.h"

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/publish/tls_context.h"

namespace sealward::publish {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// What is read and thrown away after an answer to a request that was refused
// half-way; with unread bytes left, closing would reset the connection and the
// client might never see the answer.
constexpr size_t kMaxDiscardedBytes = 64 * 1024;

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

std::string ToString(beast::string_view text) { return {text.data(), text.size()}; }

HttpResponse BodyRefused() { return PlainText(413, "requests have no body here"); }

// RFC 9110 section 5.6.7.
std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

class Session final : public HttpsSession, public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, asio::ssl::context& tls, SessionContext* context)
      : context_(context),
        stream_(beast::tcp_stream(std::move(socket)), tls),
        buffer_(context->options.limits.header_bytes) {}
  ~Session() override { context_->on_end(this); }

  void Start() override {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->Handshake(); });
  }

  void Drain() override {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      if (self->IsIdle()) self->Close();
    });
  }

 private:
  enum class Phase { kHandshake, kRequest, kResponse };

  beast::tcp_stream& socket() { return beast::get_lowest_layer(stream_); }
  const HttpsLimits& limits() const { return context_->options.limits; }

  // No byte of a request has come.
  bool IsIdle() const {
    return phase_ == Phase::kHandshake ||
           (phase_ == Phase::kRequest && buffer_.size() == 0 && !parser_->got_some());
  }

  void Close() { socket().close(); }

  void Handshake() {
    socket().expires_after(ToChrono(limits().handshake));
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](error_code error) {
                              if (!error) self->OnHandshake();
                            });
  }

  void OnHandshake() {
    if (context_->options.principal_of) {
      certificate_ = PeerCertificatePem(stream_.native_handle());
      chain_ = PeerChainPem(stream_.native_handle());
    }
    ReadRequest();
  }

  void ReadRequest() {
    phase_ = Phase::kRequest;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits().header_bytes));
    if (context_->draining && buffer_.size() == 0) return Shutdown();
    socket().expires_after(ToChrono(limits().request));
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnRequest(error); });
  }

  void OnRequest(error_code error) {
    phase_ = Phase::kResponse;
    if (error == http::error::end_of_stream) return Shutdown();
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Refuse(PlainText(431, "request header fields too large"));
    }
    if (error == http::error::body_limit) return Refuse(BodyRefused());
    if (error.category() == http::make_error_code(http::error::bad_method).category()) {
      return Refuse(PlainText(400, "bad request"));
    }
    if (error) return;  // time-out, reset, or closed by Drain
    Answer(parser_->get());
  }

  void Answer(const http::request<http::empty_body>& request) {
    if (parser_->content_length().value_or(0) != 0 || parser_->chunked()) {
      return Refuse(BodyRefused());
    }
    // RFC 9112 section 3.2.
    if (request.version() == 11 && request.count(http::field::host) != 1) {
      return Refuse(PlainText(400, "bad request"));
    }
    const bool head = request.method() == http::verb::head;
    if (!head && request.method() != http::verb::get) {
      HttpResponse response = PlainText(405, "only GET and HEAD are answered here");
      response.allow = "GET, HEAD";
      return Send(std::move(response), false, request.keep_alive());
    }
    HttpRequest plain;
    plain.path = ToString(request.target());
    plain.path.resize(std::min(plain.path.size(), plain.path.find('?')));
    plain.if_none_match = ToString(request[http::field::if_none_match]);
    plain.principal = Principal();
    Send(Handle(plain), head, request.keep_alive());
  }

  std::string Principal() const {
    if (certificate_.empty()) return "";
    return context_->options.principal_of(certificate_, chain_).value_or("");
  }

  HttpResponse Handle(const HttpRequest& request) {
    try {
      return context_->handler(request);
    } catch (const std::exception&) {
      return PlainText(500, "internal error");
    }
  }

  // Answers what cannot be read on, and ends the connection.
  void Refuse(HttpResponse response) {
    refused_ = true;
    Send(std::move(response), false, false);
  }

  void Send(HttpResponse from, bool head, bool keep_alive) {
    response_.emplace(http::status(static_cast<unsigned>(from.status)), 11U);
    auto& to = *response_;
    to.set(http::field::date, HttpDate(context_->clock->Now()));
    to.set(http::field::cache_control, from.cache_control);
    to.set("X-Content-Type-Options", "nosniff");
    if (!from.etag.empty()) to.set(http::field::etag, from.etag);
    if (!from.allow.empty()) to.set(http::field::allow, from.allow);
    if (from.any_origin) to.set(http::field::access_control_allow_origin, "*");
    if (!from.content_type.empty()) to.set(http::field::content_type, from.content_type);
    if (from.status != 304) to.set(http::field::content_length, absl::StrCat(from.body.size()));
    if (!head) to.body() = std::move(from.body);
    keep_alive = keep_alive && !context_->draining;
    to.keep_alive(keep_alive);
    socket().expires_after(ToChrono(limits().response));
    http::async_write(stream_, to,
                      [self = shared_from_this(), keep_alive](error_code error, size_t) {
                        self->OnSent(error, keep_alive);
                      });
  }

  void OnSent(error_code error, bool keep_alive) {
    response_.reset();
    if (error) return;
    if (keep_alive) return ReadRequest();
    if (refused_) {
      socket().expires_after(ToChrono(limits().shutdown));
      return Discard(0);
    }
    Shutdown();
  }

  void Discard(size_t so_far) {
    if (so_far > kMaxDiscardedBytes) return Shutdown();
    stream_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this(), so_far](error_code error, size_t size) {
                              if (!error) self->Discard(so_far + size);
                            });
  }

  void Shutdown() {
    socket().expires_after(ToChrono(limits().shutdown));
    stream_.async_shutdown([self = shared_from_this()](error_code) {});
  }

  SessionContext* const context_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  Phase phase_ = Phase::kHandshake;
  bool refused_ = false;
  std::string certificate_;  // of the client, in PEM
  std::string chain_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::array<char, 1024> discarded_;
};

}  // namespace

std::shared_ptr<HttpsSession> MakeHttpsSession(asio::ip::tcp::socket socket,
                                               asio::ssl::context& tls, SessionContext* context) {
  return std::make_shared<Session>(std::move(socket), tls, context);
}

}  // namespace sealward::publish
