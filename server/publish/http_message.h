// Requests and responses as handlers see them: plain values, no library.
#ifndef SEALWARD_SERVER_PUBLISH_HTTP_MESSAGE_H_
#define SEALWARD_SERVER_PUBLISH_HTTP_MESSAGE_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace sealward::publish {

// HttpRequest is a GET or HEAD, which for a handler are the same.
struct HttpRequest {
  std::string path;  // as it was sent, without query; nothing is decoded
  std::string if_none_match;
  // Whom the client's certificate speaks for. Empty, which no role binding
  // grants anything, where the server asks for no certificate or this one's has
  // no principal.
  std::string principal;
};

// HttpResponse is what a handler answers. The server adds Content-Length, Date,
// Connection and X-Content-Type-Options, and leaves the body out for HEAD.
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string etag;                        // with its quotes, or empty
  std::string cache_control = "no-store";  // never empty
  std::string allow;                       // of a 405
  bool any_origin = false;                 // whether scripts of any web page may read it
};

// Called on the server's threads, several at a time; must not block.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Whether the value of an If-None-Match header covers `etag` (RFC 9110 section
// 13.1.2: "*" or a list, compared weakly).
bool CoversEtag(absl::string_view if_none_match, absl::string_view etag);

// `response` as it goes out for a request with this If-None-Match: 304 without
// body where a 200's etag is covered, else unchanged.
HttpResponse ApplyConditions(HttpResponse response, absl::string_view if_none_match);

// A response in plain text that nobody caches.
HttpResponse PlainText(int status, absl::string_view text);

}  // namespace sealward::publish

#endif  // SEALWARD_SERVER_PUBLISH_HTTP_MESSAGE_H_
