// What a signature costs its tenant's share of the partition. If this goes, RSA signatures count
// like P-256 ones, and a tenant that makes them starves the others.
#include "server/hsm_client/cost.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "server/signing/raw_signer.h"
#include "tests/unit/signer/signer_fixture.h"

namespace sealward::signing {
namespace {

// What is submitted, on its way to another partition.
class Recorder final : public hsm_client::Partition {
 public:
  explicit Recorder(hsm_client::Partition& next) : next_(next) {}
  void Submit(Submission submission) override {
    cost = submission.cost;
    next_.Submit(std::move(submission));
  }
  absl::StatusOr<hsm::v1::Result> Call(hsm::v1::Operation operation, absl::Time deadline) override {
    return next_.Call(std::move(operation), deadline);
  }
  absl::Status ForgetEverywhere(std::span<const std::string> object_ids,
                                absl::Time deadline) override {
    return next_.ForgetEverywhere(object_ids, deadline);
  }
  hsm_client::PartitionStatus Status() const override { return next_.Status(); }

  int cost = 0;

 private:
  hsm_client::Partition& next_;
};

class CostTest : public SignerTest {
 protected:
  CostTest() { EXPECT_TRUE(epochs_.Verify(hsm_client::kSharedPartition).ok()); }

  Recorder recorder_{rig_.partition};
  hsm_client::Partitions partitions_{{{std::string(hsm_client::kSharedPartition), &recorder_}}};
  lifecycle::Epochs epochs_{
      {rig_.catalog.get(), &partitions_, &rig_.clock, &rig_.metrics, [](size_t) { return ""; }}};
  Route recorded_{
      {&partitions_, &rig_.withheld, &epochs_, &rig_.clock, [](const catalog::KeyVersion&) {}}};
};

TEST_F(CostTest, AJwtCostsWhatItsAlgorithmDoes) {
  lifecycle::NewKey rsa = fakes::KeyRig::NewKey();
  rsa.name += "-rsa";
  rsa.issuer = absl::StrCat(rsa.issuer, "-rsa");
  rig_.AddIssuer(rsa.issuer);
  rsa.algorithm = FindAlgorithmByName("RS256-2048");
  const auto key = rig_.manager->CreateKey(rsa, absl::InfiniteFuture());
  ASSERT_TRUE(key.ok()) << key.status();
  key_ = *key;
  Signer(&recorded_).Sign({key_.get(), Claims(), "", absl::InfiniteFuture(), [](const auto& jwt) {
                             EXPECT_TRUE(jwt.ok()) << jwt.status();
                           }});
  EXPECT_EQ(recorder_.cost, hsm_client::CostOf(*rsa.algorithm));
}

TEST_F(CostTest, ARawSignatureCostsWhatItsAlgorithmDoes) {
  lifecycle::NewKey raw;
  raw.name = "tenants/a/keys/raw";
  raw.purpose = v1::KEY_PURPOSE_RAW;
  raw.max_jwt_lifetime = absl::Hours(24);
  raw.algorithm = FindAlgorithmByName("RS256-2048");
  const auto key = rig_.manager->CreateKey(raw, absl::InfiniteFuture());
  ASSERT_TRUE(key.ok()) << key.status();
  v1::SignRawRequest request;
  request.set_message("m");
  RawSigner(&recorded_).Sign({key->get(), &request, absl::InfiniteFuture(), [](const auto& made) {
                                EXPECT_TRUE(made.ok()) << made.status();
                              }});
  EXPECT_EQ(recorder_.cost, hsm_client::CostOf(*raw.algorithm));
}

}  // namespace
}  // namespace sealward::signing
