// An HttpsServer on loopback and clients of it.
#ifndef SEALWARD_TESTS_UNIT_PUBLISH_HTTPS_SERVER_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_PUBLISH_HTTPS_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "server/auth/principal.h"
#include "server/publish/https_server.h"
#include "tests/unit/publish/catalog_fixture.h"
#include "tests/unit/publish/tls_fixture.h"

namespace sealward::publish {

using testing::CertificateFiles;
using testing::HttpReply;
using testing::TestAuthority;
using testing::TlsClient;

inline constexpr absl::Duration kLong = absl::Seconds(20);
inline constexpr char kPlainGet[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

class HttpsServerTest : public ::testing::Test {
 protected:
  HttpsOptions Options() {
    HttpsOptions options;
    options.listen = "127.0.0.1:0";
    options.certificate_path = server_files_.certificate;
    options.private_key_path = server_files_.key;
    options.principal_of = [](absl::string_view pem, absl::string_view) {
      return auth::PrincipalOfCertificate(pem);
    };
    return options;
  }

  void Start(HttpsOptions options) {
    auto server = HttpsServer::Start(
        std::move(options), [this](const HttpRequest& request) { return handler_(request); },
        &clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<TlsClient> Connect(CertificateFiles own = {}, int max_version = 0) {
    return std::make_unique<TlsClient>(
        TlsClient::Options{server_->port(), authority_.ca_path(), std::move(own), max_version});
  }

  static HttpResponse Echo(const HttpRequest& request) {
    HttpResponse response = PlainText(200, request.path);
    response.etag = "\"tag\"";
    response.cache_control = "public, max-age=300";
    return ApplyConditions(std::move(response), request.if_none_match);
  }

  TestAuthority authority_;
  const CertificateFiles server_files_ = authority_.Issue("DNS:localhost,IP:127.0.0.1", "server");
  testing::ManualClock clock_;
  HttpHandler handler_ = Echo;
  std::unique_ptr<HttpsServer> server_;
};

}  // namespace sealward::publish

#endif  // SEALWARD_TESTS_UNIT_PUBLISH_HTTPS_SERVER_FIXTURE_H_
