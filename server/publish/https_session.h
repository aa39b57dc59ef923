// One connection of the HTTPS server. Private to server/publish; Beast is in
// https_session.cc alone, because it takes a compiler many seconds.
#ifndef SEALWARD_SERVER_PUBLISH_HTTPS_SESSION_H_
#define SEALWARD_SERVER_PUBLISH_HTTPS_SESSION_H_

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>

#include "common/clock.h"
#include "server/publish/http_message.h"
#include "server/publish/https_server.h"

namespace sealward::publish {

// HttpsSession is a connection from handshake to close. It keeps itself alive
// with the operation it waits for.
class HttpsSession {
 public:
  virtual ~HttpsSession() = default;
  // Begins the handshake.
  virtual void Start() = 0;
  // Ends it if no request is under way, else after the response. Any thread.
  virtual void Drain() = 0;
};

// SessionContext is what all connections of a server share. It outlives them.
struct SessionContext {
  HttpHandler handler;
  HttpsOptions options;
  const Clock* clock = nullptr;
  std::atomic<bool> draining = false;
  // Called by a connection's destructor.
  std::function<void(HttpsSession*)> on_end;
};

// A connection over `socket`, whose executor must be a strand.
std::shared_ptr<HttpsSession> MakeHttpsSession(boost::asio::ip::tcp::socket socket,
                                               boost::asio::ssl::context& tls,
                                               SessionContext* context);

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_HTTPS_SESSION_H_
