// Packets that are under way at the same time, as dispatch sees them.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <span>

#include "absl/strings/str_cat.h"
#include "hsm/dispatch.h"
#include "hsm/pkcs11/rv.h"
#include "tests/fuzz/hsm/fake_verbs.h"

namespace sealward::hsm {
namespace {

// ParallelVerbs signs at the same time, as far as dispatch can tell.
class ParallelVerbs final : public FakeVerbs {
 public:
  bool signs_in_parallel() const override { return true; }
  void BeginSigning(std::span<SignTask> tasks) override {
    absl::StrAppend(&log, "begin ", tasks.size(), ". ");
    under_way_.push_back(tasks);
  }
  bool OldestIsSigned() override { return signed_; }
  void FinishSigning() override {
    log += "finish. ";
    for (SignTask& task : under_way_.front()) {
      task.out->set_signature("signature");
      task.status = outcome;
    }
    under_way_.pop_front();
  }
  absl::Status AbandonSigning() override {
    log += "abandon. ";
    return outcome;
  }
  absl::Status Forget(const v1::Forget& request) override {
    log += "forget. ";
    return FakeVerbs::Forget(request);
  }

  std::string log;
  absl::Status outcome;
  bool signed_ = false;

 private:
  std::deque<std::span<SignTask>> under_way_;
};

class DispatchPipelineTest : public ::testing::Test {
 protected:
  static v1::RequestPacket Signing(uint64_t packet_id, int operations) {
    v1::RequestPacket request;
    request.set_packet_id(packet_id);
    for (int n = 0; n < operations; ++n) request.add_operations()->mutable_sign_jws();
    return request;
  }
  static v1::RequestPacket Forgetting(uint64_t packet_id) {
    v1::RequestPacket request;
    request.set_packet_id(packet_id);
    request.add_operations()->mutable_forget()->set_object_id(std::string(16, 'x'));
    return request;
  }
  absl::Status Take(const v1::RequestPacket& request) {
    return dispatcher_->Take(request.SerializeAsString());
  }
  v1::ResponsePacket Finish() {
    std::string answer;
    EXPECT_TRUE(dispatcher_->Finish(answer).ok());
    v1::ResponsePacket response;
    EXPECT_TRUE(response.ParseFromString(answer));
    return response;
  }

  ParallelVerbs verbs_;
  std::unique_ptr<Dispatcher> dispatcher_ = std::make_unique<Dispatcher>(verbs_, 42);
};

TEST_F(DispatchPipelineTest, WhatOnlySignsBeginsBehindWhatIsUnderWay) {
  ASSERT_TRUE(Take(Signing(7, 3)).ok());
  EXPECT_TRUE(dispatcher_->CanTake());
  EXPECT_FALSE(dispatcher_->CanFinish());
  ASSERT_TRUE(Take(Signing(8, 1)).ok());
  EXPECT_FALSE(dispatcher_->CanTake()) << "more than kMaxPacketsInFlight";
  EXPECT_EQ(verbs_.log, "begin 3. begin 1. ");
  verbs_.signed_ = true;
  EXPECT_TRUE(dispatcher_->CanFinish());
  const v1::ResponsePacket first = Finish();
  EXPECT_EQ(first.packet_id(), 7U);
  ASSERT_EQ(first.results_size(), 3);
  EXPECT_EQ(first.results(2).signature().signature(), "signature");
  ASSERT_TRUE(Take(Signing(9, 2)).ok());
  EXPECT_EQ(Finish().packet_id(), 8U);
  EXPECT_EQ(Finish().packet_id(), 9U);
  EXPECT_TRUE(dispatcher_->idle());
}

// A pair that is forgotten, or destroyed, under a signature; or a signature of a pair
// that the packet before it destroys.
TEST_F(DispatchPipelineTest, WhatDoesSomethingElseHasTheVerbsForItself) {
  ASSERT_TRUE(Take(Signing(1, 1)).ok());
  ASSERT_TRUE(Take(Forgetting(2)).ok());
  EXPECT_FALSE(dispatcher_->CanTake());
  EXPECT_EQ(verbs_.log, "begin 1. ");
  EXPECT_EQ(Finish().packet_id(), 1U);
  EXPECT_FALSE(dispatcher_->CanTake());
  EXPECT_TRUE(dispatcher_->CanFinish());
  EXPECT_EQ(Finish().packet_id(), 2U);
  EXPECT_EQ(verbs_.log, "begin 1. finish. forget. ");
  EXPECT_TRUE(dispatcher_->CanTake());
}

// Two packets of the same id could have each other's answers.
TEST_F(DispatchPipelineTest, AViolationLeavesWhatIsUnderWayAlone) {
  ASSERT_TRUE(Take(Signing(1, 1)).ok());
  EXPECT_FALSE(Take(Signing(1, 1)).ok());
  EXPECT_EQ(verbs_.log, "begin 1. ");
  EXPECT_EQ(Finish().packet_id(), 1U);
  EXPECT_TRUE(dispatcher_->idle());
}

// A token that is lost may come back as another one: nothing may be begun on it.
TEST_F(DispatchPipelineTest, NothingBeginsOnceTheHsmIsLost) {
  ASSERT_TRUE(Take(Signing(1, 1)).ok());
  verbs_.outcome = pkcs11::RvStatus(CKR_DEVICE_REMOVED, "C_Sign");
  EXPECT_NE(Finish().results(0).code(), 0);
  ASSERT_TRUE(dispatcher_->outage().over());
  ASSERT_TRUE(Take(Signing(2, 1)).ok());
  EXPECT_NE(Finish().results(0).code(), 0);
  EXPECT_EQ(verbs_.log, "begin 1. finish. ");
}

// The threads read the packets' messages, which end with the dispatcher.
TEST_F(DispatchPipelineTest, WhatIsUnderWayIsAbandonedWithIt) {
  ASSERT_TRUE(Take(Signing(1, 1)).ok());
  dispatcher_.reset();
  EXPECT_EQ(verbs_.log, "begin 1. abandon. ");
}

// Nobody asks for those signatures any more, but a PIN that one was refused for is not
// presented again.
TEST_F(DispatchPipelineTest, WhatIsAbandonedIsStillHeard) {
  ASSERT_TRUE(Take(Signing(1, 1)).ok());
  ASSERT_TRUE(Take(Signing(2, 1)).ok());
  verbs_.outcome = pkcs11::RvStatus(CKR_PIN_EXPIRED, "C_Sign");
  dispatcher_->Abandon();
  EXPECT_TRUE(dispatcher_->idle());
  EXPECT_EQ(dispatcher_->outage().fate(), Fate::kLatch);
}

}  // namespace
}  // namespace sealward::hsm
