// Who a certificate makes its holder. If these break, one client passes as
// another, or a client is locked out by a renewed certificate.
#include "server/auth/principal.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/errors.h"
#include "grpcpp/grpcpp.h"
#include "sealward/v1/status_service.grpc.pb.h"
#include "server/auth/identity_reader.h"
#include "tests/unit/auth/test_certificates.h"

namespace sealward::auth {
namespace {

using namespace std::string_literals;

TEST(ValidatePrincipal, AcceptsEachForm) {
  for (const std::string& principal :
       {"spiffe://sealward.test/admin"s, "spiffe://a/b/c-d_e.f/G1"s, "subject:CN=alice"s,
        "subject:CN=a\\, b,O=c\\C3\\BC"s, "subject:UID=7+CN=x,DC=example"s, "uid:0"s,
        "uid:4294967295"s}) {
    EXPECT_TRUE(ValidatePrincipal(principal).ok()) << principal;
  }
}

TEST(ValidatePrincipal, RefusesEverythingElse) {
  for (const std::string& principal : {""s,
                                       "alice"s,
                                       "spiffe://"s,
                                       "spiffe://a"s,
                                       "spiffe://a/"s,
                                       "spiffe:///b"s,
                                       "spiffe://a//b"s,
                                       "spiffe://a/b/"s,
                                       "spiffe://A/b"s,
                                       "SPIFFE://a/b"s,
                                       "spiffe://a/b?c"s,
                                       "spiffe://a/b#c"s,
                                       "spiffe://a:1/b"s,
                                       "spiffe://u@a/b"s,
                                       "spiffe://a/./b"s,
                                       "spiffe://a/.."s,
                                       "spiffe://a/b c"s,
                                       "spiffe://a/%62"s,
                                       "spiffe://a/b\0"s,
                                       "subject:"s,
                                       "subject:alice"s,
                                       "subject:CN=a\nb"s,
                                       "subject:CN=\xC3\xBC"s,
                                       "Subject:CN=a"s,
                                       " spiffe://a/b"s,
                                       "uid:"s,
                                       "uid:root"s,
                                       "uid:007"s,
                                       "uid:-1"s,
                                       "uid:+1"s,
                                       "uid:1 "s,
                                       "uid:4294967296"s,
                                       "Uid:0"s,
                                       "spiffe://a/" + std::string(600, 'b'),
                                       "subject:CN=" + std::string(600, 'b'),
                                       "spiffe://" + std::string(256, 'a') + "/b"}) {
    const absl::Status status = ValidatePrincipal(principal);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << principal;
    EXPECT_EQ(ErrorReason(status), "PRINCIPAL_INVALID");
  }
}

struct Case {
  std::vector<Attribute> subject;
  std::vector<std::string> names;
  std::string principal;  // empty: refused
};

TEST(PrincipalOfCertificate, ReadsTheOneName) {
  TestCa ca;
  for (const Case& c : std::vector<Case>{
           {{{"CN", "x"}}, {"URI:spiffe://t/a"}, "spiffe://t/a"},
           {{}, {"URI:spiffe://t/a"}, "spiffe://t/a"},
           {{{"CN", "x"}}, {"DNS:h", "URI:spiffe://t/a", "DNS:spiffe.t"}, "spiffe://t/a"},
           {{{"CN", "alice"}}, {}, "subject:CN=alice"},
           {{{"O", "Org"}, {"CN", "alice"}}, {"DNS:host"}, "subject:CN=alice,O=Org"},
           {{{"CN", "a, b+c"}}, {}, "subject:CN=a\\, b\\+c"},
           {{{"CN", "b\xC3\xBC"}}, {}, "subject:CN=b\\C3\\BC"},
           {{{"CN", "a\nb"}}, {}, "subject:CN=a\\0Ab"},
           {{{"CN", "x"}}, {"URI:https://example.org/me"}, "subject:CN=x"},
           // refused
           {{{"CN", "x"}}, {"URI:spiffe://t/a", "URI:spiffe://t/b"}, ""},
           {{{"CN", "x"}}, {"URI:spiffe://t/a", "URI:spiffe://t/a"}, ""},
           {{{"CN", "x"}}, {"URI:spiffe://t/a", "URI:https://example.org"}, ""},
           {{{"CN", "x"}}, {"URI:https://a", "URI:https://b"}, ""},
           {{{"CN", "x"}}, {"URI:spiffe://t"}, ""},
           {{{"CN", "x"}}, {"URI:SPIFFE://t/a"}, ""},
           {{{"CN", "x"}}, {"URI:spiffe://t/a\0b"s}, ""},
           {{{"CN", "x"}}, {"URI:spiffe://t/a\0"s}, ""},
           {{}, {}, ""},
           {{}, {"DNS:host"}, ""},
       }) {
    const auto principal = PrincipalOfCertificate(ca.Issue(c.subject, c.names).certificate_pem);
    if (c.principal.empty()) {
      EXPECT_EQ(principal.status().code(), absl::StatusCode::kUnauthenticated);
      EXPECT_EQ(ErrorReason(principal.status()), "PRINCIPAL_INVALID");
    } else {
      ASSERT_TRUE(principal.ok()) << c.principal << " " << principal.status();
      EXPECT_EQ(*principal, c.principal);
    }
  }
}

// What an operator binds is what a certificate yields.
TEST(PrincipalOfCertificate, YieldsOnlyValidPrincipals) {
  TestCa ca;
  for (const std::string& cn : {"a"s, "b\xC3\xBC"s, "a\nb"s, " x "s, "#x"s, "\"<>;"s}) {
    const auto principal = PrincipalOfCertificate(ca.Issue({{"CN", cn}}, {}).certificate_pem);
    ASSERT_TRUE(principal.ok()) << principal.status();
    EXPECT_TRUE(ValidatePrincipal(*principal).ok()) << *principal;
  }
}

TEST(PrincipalOfCertificate, RefusesWhatIsNoCertificate) {
  for (const char* pem :
       {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    EXPECT_FALSE(PrincipalOfCertificate(pem).ok());
  }
}

// A service that answers with the principal it saw.
class EchoPrincipal final : public v1::StatusService::CallbackService {
 public:
  explicit EchoPrincipal(const TestCa& ca) : ca_(ca) {}
  grpc::ServerUnaryReactor* GetServiceStatus(grpc::CallbackServerContext* context,
                                             const v1::GetServiceStatusRequest*,
                                             v1::GetServiceStatusResponse* response) override {
    const auto identity = reader_.Read(*context->auth_context());
    response->set_server_version(identity.ok()
                                     ? (*identity)->principal
                                     : absl::StrCat("refused ", ErrorReason(identity.status())));
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const TestCa& ca_;
  SystemClock clock_;
  IdentityReader reader_{
      {[] { return std::make_shared<catalog::Snapshot>(); }, &clock_, {}, {}},
      {{"t", *ParseBundle(ca_.pem(), {})}, {std::string(kSubjects), *ParseBundle(ca_.pem(), {})}}};
};

// Over real TLS, because the properties that gRPC hands out are its own idea.
class PrincipalOverTls : public testing::Test {
 protected:
  void Start(std::shared_ptr<grpc::ServerCredentials> credentials) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  void StartTls() {
    const IssuedCertificate identity = ca_.Issue({{"CN", "server"}}, {"DNS:localhost"});
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = ca_.pem();
    options.pem_key_cert_pairs.push_back({identity.private_key_pem, identity.certificate_pem});
    Start(grpc::SslServerCredentials(options));
  }

  std::string Ask(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = v1::StatusService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_), credentials, arguments));
    grpc::ClientContext context;
    v1::GetServiceStatusResponse response;
    const grpc::Status status = stub->GetServiceStatus(&context, {}, &response);
    return status.ok() ? response.server_version() : status.error_message();
  }

  std::string AskAs(const IssuedCertificate& identity) {
    return Ask(
        grpc::SslCredentials({ca_.pem(), identity.private_key_pem, identity.certificate_pem}));
  }

  TestCa ca_;
  EchoPrincipal service_{ca_};
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(PrincipalOverTls, ReadsTheClientsCertificate) {
  StartTls();
  for (int round = 0; round < 2; ++round) {  // the second is answered from the cache
    EXPECT_EQ(AskAs(ca_.Issue({{"CN", "x"}}, {"URI:spiffe://t/a"})), "spiffe://t/a");
    EXPECT_EQ(AskAs(ca_.Issue({{"CN", "alice"}, {"O", "Org"}}, {})), "subject:O=Org,CN=alice");
    EXPECT_EQ(AskAs(ca_.Issue({{"CN", "x"}}, {"URI:spiffe://t/a", "URI:spiffe://t/b"})),
              "refused PRINCIPAL_INVALID");
  }
}

TEST_F(PrincipalOverTls, AConnectionWithoutTlsHasNoPrincipal) {
  Start(grpc::InsecureServerCredentials());
  EXPECT_EQ(Ask(grpc::InsecureChannelCredentials()), "refused PRINCIPAL_INVALID");
}

}  // namespace
}  // namespace sealward::auth
