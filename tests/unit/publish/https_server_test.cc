// Over real TLS on loopback. If these go, one slow or hostile client may keep
// all validators from the keys.
#include "server/publish/https_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/errors.h"
#include "tests/unit/publish/https_server_fixture.h"

namespace sealward::publish {
namespace {

using ::testing::HasSubstr;

TEST_F(HttpsServerTest, ServesOverTls13AndKeepsTheConnection) {
  Start(Options());
  const auto client = Connect();
  ASSERT_TRUE(client->connected());
  EXPECT_EQ(client->version(), TLS1_3_VERSION);
  for (int i = 0; i < 3; ++i) {
    const HttpReply reply = client->Get(absl::StrCat("/", i, "?query"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, absl::StrCat("/", i, "\n"));
    EXPECT_EQ(reply.Header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(reply.Header("cache-control"), "public, max-age=300");
    EXPECT_EQ(reply.Header("etag"), "\"tag\"");
    EXPECT_EQ(reply.Header("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.Header("date"), "Thu, 01 Jan 2026 00:00:00 GMT");
    EXPECT_EQ(reply.Header("access-control-allow-origin"), "");
    EXPECT_EQ(reply.Header("server"), "");
  }
}

TEST_F(HttpsServerTest, HeadIsGetWithoutTheBody) {
  Start(Options());
  const auto client = Connect();
  ASSERT_TRUE(client->Send("HEAD /abc HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const HttpReply head = client->Receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-length"), "5");
  // The next response starts right after the headers.
  const HttpReply get = client->Get("/abc");
  EXPECT_EQ(get.body, "/abc\n");
  EXPECT_EQ(get.Header("content-length"), "5");
}

TEST_F(HttpsServerTest, Answers304WithoutBody) {
  Start(Options());
  const auto client = Connect();
  const HttpReply reply = client->Get("/x", "If-None-Match: \"tag\"\r\n");
  EXPECT_EQ(reply.status, 304);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.Header("etag"), "\"tag\"");
  EXPECT_EQ(reply.Header("cache-control"), "public, max-age=300");
  EXPECT_EQ(reply.Header("content-length"), "");
  EXPECT_EQ(client->Get("/next").body, "/next\n");
}

TEST_F(HttpsServerTest, LetsScriptsReadWhereTheHandlerSaysSo) {
  handler_ = [](const HttpRequest&) {
    HttpResponse response = PlainText(200, "x");
    response.any_origin = true;
    return response;
  };
  Start(Options());
  EXPECT_EQ(Connect()->Get("/").Header("access-control-allow-origin"), "*");
}

TEST_F(HttpsServerTest, AnswersGetAndHeadOnly) {
  Start(Options());
  const auto client = Connect();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    ASSERT_TRUE(
        client->Send(absl::StrCat(method, " / HTTP/1.1\r\nHost: l\r\nContent-Length: 0\r\n\r\n")));
    const HttpReply reply = client->Receive();
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.Header("allow"), "GET, HEAD") << method;
  }
  EXPECT_EQ(client->Get("/still").status, 200);
}

// A body would be read as the next request by one side and not by the other.
TEST_F(HttpsServerTest, RefusesBodies) {
  Start(Options());
  for (const char* extra : {"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n",
                            "Content-Length: 99999999999\r\n\r\n"}) {
    const auto client = Connect();
    ASSERT_TRUE(client->Send(absl::StrCat("POST / HTTP/1.1\r\nHost: l\r\n", extra)));
    const HttpReply reply = client->Receive();
    EXPECT_EQ(reply.status, 413) << extra;
    EXPECT_EQ(reply.Header("connection"), "close") << extra;
  }
}

TEST_F(HttpsServerTest, RefusesWhatIsNoRequest) {
  Start(Options());
  for (const char* bytes :
       {"GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\nHost: l\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: l\r\nContent-Length: x\r\n\r\n"}) {
    const auto client = Connect();
    ASSERT_TRUE(client->Send(bytes));
    EXPECT_EQ(client->Receive().status, 400) << bytes;
  }
}

TEST_F(HttpsServerTest, RefusesOversizedHeaders) {
  Start(Options());
  const std::string just_fits(HttpsLimits().header_bytes - 200, 'a');
  EXPECT_EQ(Connect()->Get("/", absl::StrCat("X: ", just_fits, "\r\n")).status, 200);
  // Far more than fits, so that bytes are left unread when the answer is sent.
  const std::string too_long(60'000, 'a');
  const auto client = Connect();
  const HttpReply reply = client->Get("/", absl::StrCat("X: ", too_long, "\r\n"));
  EXPECT_EQ(reply.status, 431);
  EXPECT_EQ(Connect()->Get(absl::StrCat("/", too_long)).status, 431);
}

TEST_F(HttpsServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start(Options());
  const auto client = Connect();
  ASSERT_TRUE(client->Send(
      "GET /a HTTP/1.1\r\nHost: l\r\n\r\nGET /b HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(client->Receive().body, "/a\n");
  EXPECT_EQ(client->Receive().body, "/b\n");
  EXPECT_TRUE(client->Ended());
}

// One thread, so that anything that blocks it shows.
TEST_F(HttpsServerTest, SlowClientsDoNotBlockOthers) {
  Start(Options());
  std::vector<std::unique_ptr<TlsClient>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(Connect());
    ASSERT_TRUE(slow.back()->Send("GET /slow HTTP/1.1\r\nHo"));
  }
  EXPECT_EQ(Connect()->Get("/fast").body, "/fast\n");
  for (const auto& client : slow) {
    ASSERT_TRUE(client->Send("st: l\r\n\r\n"));
    EXPECT_EQ(client->Receive().body, "/slow\n");
  }
}

// Slow loris: each byte is in time, the request is not.
TEST_F(HttpsServerTest, CutsOffHeadersThatComeByteByByte) {
  HttpsOptions options = Options();
  options.limits.request = absl::Milliseconds(200);
  Start(std::move(options));
  const auto client = Connect();
  ASSERT_TRUE(client->connected());
  const absl::Time give_up = absl::Now() + kLong;
  int sent = 0;
  // Readable means that the server has ended it.
  while (!client->Readable(absl::Milliseconds(10)) && absl::Now() < give_up) {
    ASSERT_TRUE(client->Send("X"));
    ++sent;
  }
  EXPECT_GT(sent, 2);
  EXPECT_LT(absl::Now(), give_up);
  EXPECT_EQ(client->Receive().status, 0);
}

TEST_F(HttpsServerTest, ClosesIdleConnections) {
  HttpsOptions options = Options();
  options.limits.request = absl::Milliseconds(100);
  Start(std::move(options));
  const auto client = Connect();
  EXPECT_EQ(client->Get("/").status, 200);
  EXPECT_TRUE(client->Ended());
}

// A client that sends requests and never reads fills the socket's buffers.
TEST_F(HttpsServerTest, CutsOffClientsThatNeverRead) {
  absl::Notification entered;
  handler_ = [&](const HttpRequest&) {
    entered.Notify();
    return PlainText(200, std::string(64 << 20, 'x'));
  };
  HttpsOptions options = Options();
  options.limits.response = absl::Milliseconds(300);
  Start(std::move(options));
  const auto deaf = Connect();
  ASSERT_TRUE(deaf->Send(kPlainGet));
  entered.WaitForNotification();
  const absl::Time begin = absl::Now();
  server_->Stop(kLong);  // returns when the connection is gone
  EXPECT_LT(absl::Now() - begin, kLong);
  EXPECT_EQ(deaf->Receive().status, 0);
}

TEST_F(HttpsServerTest, ClosesHandshakesThatDoNotEnd) {
  HttpsOptions options = Options();
  options.limits.handshake = absl::Milliseconds(100);
  Start(std::move(options));
  testing::RawClient silent(server_->port());
  EXPECT_TRUE(silent.Ended());
}

TEST_F(HttpsServerTest, HoldsNoMoreConnectionsThanItsLimit) {
  HttpsOptions options = Options();
  options.limits.connections = 2;
  Start(std::move(options));
  auto first = Connect();
  const auto second = Connect();
  EXPECT_EQ(first->Get("/").status, 200);
  EXPECT_EQ(second->Get("/").status, 200);
  EXPECT_FALSE(Connect()->connected());
  ASSERT_TRUE(first->Send("GET / HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(first->Receive().status, 200);
  EXPECT_TRUE(first->Ended());
  first.reset();
  // The place is free again once the server has seen the end.
  const absl::Time give_up = absl::Now() + kLong;
  bool served = false;
  while (!served && absl::Now() < give_up) served = Connect()->Get("/").status == 200;
  EXPECT_TRUE(served);
}

TEST_F(HttpsServerTest, AHandlerThatThrowsIsAnError500) {
  handler_ = [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); };
  Start(Options());
  const HttpReply reply = Connect()->Get("/");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "internal error\n");
}

TEST_F(HttpsServerTest, ManyClientsOnSeveralThreads) {
  HttpsOptions options = Options();
  options.threads = 2;
  Start(std::move(options));
  constexpr int kClients = 8;
  std::vector<std::thread> threads;
  threads.reserve(kClients);
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([this, i] {
      const auto client = Connect();
      for (int j = 0; j < 50; ++j) {
        const std::string path = absl::StrCat("/", i, "/", j);
        EXPECT_EQ(client->Get(path).body, path + "\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(HttpsServerTest, StopLetsARequestInFlightFinish) {
  absl::Notification entered;
  absl::Notification release;
  handler_ = [&](const HttpRequest& request) {
    entered.Notify();
    release.WaitForNotification();
    return Echo(request);
  };
  HttpsOptions options = Options();
  options.threads = 2;
  Start(std::move(options));
  const auto idle = Connect();
  const auto busy = Connect();
  ASSERT_TRUE(busy->Send(kPlainGet));
  entered.WaitForNotification();
  std::thread stop([this] { server_->Stop(kLong); });
  EXPECT_TRUE(idle->Ended());  // so Stop has begun, while the handler still runs
  release.Notify();
  const HttpReply reply = busy->Receive();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("connection"), "close");
  EXPECT_TRUE(busy->Ended());
  busy->Close();
  stop.join();
  EXPECT_FALSE(Connect()->connected());
}

// A request whose first bytes have come is under way too.
TEST_F(HttpsServerTest, StopWaitsForARequestHalfSent) {
  Start(Options());
  const auto idle = Connect();
  const auto half = Connect();
  EXPECT_EQ(half->Get("/").status, 200);
  ASSERT_TRUE(half->Send("GET /half HTTP/1.1\r\n"));
  // Answered after the half was read: there is one thread and one socket order.
  EXPECT_EQ(idle->Get("/").status, 200);
  std::thread stop([this] { server_->Stop(kLong); });
  EXPECT_TRUE(idle->Ended());
  idle->Close();
  ASSERT_TRUE(half->Send("Host: l\r\n\r\n"));
  EXPECT_EQ(half->Receive().body, "/half\n");
  half->Close();
  stop.join();
}

TEST_F(HttpsServerTest, StopCutsOffWhatPassesTheDeadline) {
  Start(Options());
  const auto half = Connect();
  ASSERT_TRUE(half->Send("GET / HTTP/1.1\r\n"));
  server_->Stop(absl::Milliseconds(50));
  server_->Stop(kLong);  // does nothing
  server_.reset();
  EXPECT_EQ(half->Receive().status, 0);
}

TEST_F(HttpsServerTest, AnAddressInUseIsAClearError) {
  Start(Options());
  HttpsOptions options = Options();
  options.listen = server_->address();
  const auto second = HttpsServer::Start(options, Echo, &clock_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(second.status()), "ADDRESS_IN_USE");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(server_->address()));
}

TEST_F(HttpsServerTest, BadAddressesAndFilesAreClearErrors) {
  for (const char* listen : {"", "8443", ":8443", "localhost:8443", "127.0.0.1", "127.0.0.1:65536",
                             "::1:8443", "127.0.0.1:-1", "[127.0.0.1]:1"}) {
    HttpsOptions options = Options();
    options.listen = listen;
    EXPECT_EQ(ErrorReason(HttpsServer::Start(options, Echo, &clock_).status()),
              "LISTEN_ADDRESS_INVALID")
        << listen;
  }
  const std::string missing = authority_.directory() + "/missing.pem";
  const std::string junk = authority_.Write("junk.pem", "no certificate");
  const CertificateFiles another = authority_.Issue("", "another");
  const auto expect_unusable = [this](const HttpsOptions& options, const std::string& path) {
    const auto server = HttpsServer::Start(options, Echo, &clock_);
    EXPECT_EQ(ErrorReason(server.status()), "TLS_FILE_UNUSABLE") << path;
    EXPECT_THAT(std::string(server.status().message()), HasSubstr(path));
  };
  for (const std::string& bad : {missing, junk}) {
    HttpsOptions options = Options();
    options.certificate_path = bad;
    expect_unusable(options, bad);
    options = Options();
    options.private_key_path = bad;
    expect_unusable(options, bad);
  }
  HttpsOptions options = Options();
  options.private_key_path = another.key;  // of another certificate
  expect_unusable(options, another.key);
  options = Options();
  options.client_ca_pem = "junk";
  expect_unusable(options, "client CA");
}

}  // namespace
}  // namespace sealward::publish
