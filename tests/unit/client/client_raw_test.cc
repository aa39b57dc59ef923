// Raw signatures: the same machinery as for JWTs, with other messages.
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "client/batching_signer.h"
#include "client/signer.h"
#include "common/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/recording_timers.h"
#include "tests/unit/client/fake_signing_server.h"
#include "tests/unit/client/recording_metrics.h"
#include "tests/unit/client/test_certificates.h"

namespace sealward::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const absl::Status kDown = MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                                              "ask again", absl::Milliseconds(200));

class RawTest : public testing::Test {
 protected:
  RawTest() {
    ca_.Issue("server");
    ca_.Issue("client");
    server_ = std::make_unique<FakeSigningServer>(ca_);
    Signer::Options options;
    options.timers = &timers_;
    options.metrics = metrics_;
    signer_ = std::make_unique<Signer>(*Connection::Open(ca_.Options(server_->target(), "client")),
                                       std::move(options));
  }

  static RawRequest Request(absl::string_view input) {
    return {.key = "tenants/t/keys/k", .input = std::string(input)};
  }
  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

  TestCa ca_;
  std::unique_ptr<FakeSigningServer> server_;
  fakes::RecordingTimers timers_;
  std::shared_ptr<RecordingMetrics> metrics_ = std::make_shared<RecordingMetrics>();
  std::unique_ptr<Signer> signer_;
};

TEST_F(RawTest, EveryFieldArrives) {
  RawRequest request = Request("digest");
  request.input_is_digest = true;
  request.kid = "kid";
  request.encoding = SignatureEncoding::kDer;
  request.pss_salt_bytes = 0;
  const auto signature = signer_->SignRaw(request, Soon());
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(signature->signature, "signature of digest");
  EXPECT_EQ(signature->kid, "kid");
  const v1::SignRawRequest seen = server_->last_raw();
  EXPECT_EQ(seen.key(), "tenants/t/keys/k");
  EXPECT_EQ(seen.digest(), "digest");
  EXPECT_EQ(seen.kid(), "kid");
  EXPECT_EQ(seen.encoding(), v1::SIGNATURE_ENCODING_DER);
  EXPECT_TRUE(seen.has_pss_salt_bytes());
}

// No bytes are a message too; and what was not asked for is not sent.
TEST_F(RawTest, AnEmptyMessageIsAMessage) {
  ASSERT_TRUE(signer_->SignRaw(Request(""), Soon()).ok());
  const v1::SignRawRequest seen = server_->last_raw();
  EXPECT_TRUE(seen.has_message());
  EXPECT_FALSE(seen.has_pss_salt_bytes());
  EXPECT_EQ(seen.encoding(), v1::SIGNATURE_ENCODING_UNSPECIFIED);
}

TEST_F(RawTest, IsAskedAgainAlone) {
  server_->Script({kDown});
  EXPECT_TRUE(signer_->SignRaw(Request("a"), Soon()).ok());
  EXPECT_EQ(metrics_->Count("call SignRaw OK  attempts 2"), 1U);
}

TEST_F(RawTest, ABatchRepeatsOnlyWhatFailed) {
  server_->Script({absl::OkStatus(), kDown, absl::OkStatus()});
  const auto results = signer_->SignRawBatch({Request("a"), Request("b"), Request("c")}, Soon());
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0]->signature, "signature of a");
  EXPECT_EQ((*results)[1]->signature, "signature of b");
  EXPECT_EQ((*results)[2]->signature, "signature of c");
  EXPECT_THAT(server_->seen(), ElementsAre(3, 1));
  EXPECT_EQ(metrics_->Count("call BatchSignRaw OK  attempts 2 requests 3 failed 0"), 1U);
  EXPECT_EQ(ErrorReason(signer_->SignRawBatch({}, Soon()).status()), "BATCH_SIZE_INVALID");
}

// JWTs and raw signatures are different RPCs, hence never in one batch.
TEST_F(RawTest, IsBatchedApartFromJwts) {
  server_->Hold();
  BatchingSigner batching(signer_.get(), {.max_wait = absl::Hours(1), .max_batches_under_way = 1});
  absl::BlockingCounter answers(6);
  std::atomic<int> right = 0;
  const auto send = [&](int i) {
    batching.SignRawAsync(
        Request(absl::StrCat(i)), Soon(), [&, i](const absl::StatusOr<RawSignature>& signature) {
          right += signature.ok() && signature->signature == absl::StrCat("signature of ", i);
          answers.DecrementCount();
        });
    batching.SignJwtAsync({"tenants/t/keys/k", absl::StrCat(i), ""}, Soon(),
                          [&, i](const absl::StatusOr<SignedJwt>& jwt) {
                            right += jwt.ok() && jwt->jwt == absl::StrCat("jwt of ", i);
                            answers.DecrementCount();
                          });
  };
  send(0);
  server_->AwaitSeen(2);
  send(1);
  send(2);
  server_->Release();
  answers.Wait();
  EXPECT_EQ(right, 6);
  EXPECT_THAT(server_->seen(), ElementsAre(1, 1, 2, 2));
}

// What the server would refuse must not fail a batch of others' requests.
TEST_F(RawTest, TheBatchingSignerKnowsTheLimits) {
  BatchingSigner batching(signer_.get());
  EXPECT_EQ(ErrorReason(batching.SignRaw(Request(std::string(65'537, 'x')), Soon()).status()),
            "RAW_INPUT_INVALID");
  JwtRequest jwt{"tenants/t/keys/k", "", "", std::string(98'305, 'x')};
  EXPECT_EQ(ErrorReason(batching.SignJwt(jwt, Soon()).status()), "SIGNING_INPUT_INVALID");
  EXPECT_THAT(server_->seen(), IsEmpty());
  jwt.signing_input.pop_back();
  EXPECT_TRUE(batching.SignJwt(jwt, Soon()).ok());
}

}  // namespace
}  // namespace sealward::client
