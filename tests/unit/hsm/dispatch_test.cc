#include "hsm/dispatch.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/packet_socket.h"
#include "tests/fuzz/hsm/fake_verbs.h"

namespace sealward::hsm {
namespace {

class DispatchTest : public ::testing::Test {
 protected:
  v1::ResponsePacket Answer(const v1::RequestPacket& request) {
    std::string answer;
    const absl::Status status = dispatcher_.Answer(request.SerializeAsString(), answer);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_LE(answer.size(), kMaxPacketBytes);
    v1::ResponsePacket response;
    EXPECT_TRUE(response.ParseFromString(answer));
    return response;
  }

  void GenerateMany(int count) {
    for (int n = 0; n < count; ++n) {
      v1::RequestPacket request;
      request.set_packet_id(next_++);
      v1::ObjectRef& ref = *request.add_operations()->mutable_generate()->mutable_object();
      std::string id(16, 'i');
      id[14] = static_cast<char>('0' + n / 64);
      id[15] = static_cast<char>('0' + n % 64);
      ref.set_object_id(id);
      ref.set_key(absl::StrCat("tenants/a", std::string(62, 't'), "/keys/b", std::string(62, 'k')));
      ref.set_purpose(v1::OBJECT_PURPOSE_JWT);
      EXPECT_EQ(Answer(request).results(0).code(), 0);
    }
  }

  FakeVerbs verbs_;
  Dispatcher dispatcher_{verbs_, 42};
  uint64_t next_ = 1;
};

TEST_F(DispatchTest, AnswersInOrderWithTheStartNumber) {
  v1::RequestPacket request;
  request.set_packet_id(7);
  request.add_operations()->mutable_describe();
  request.add_operations()->mutable_forget()->set_object_id(std::string(16, 'x'));
  const v1::ResponsePacket response = Answer(request);
  EXPECT_EQ(response.packet_id(), 7U);
  EXPECT_EQ(response.start_number(), 42U);
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).description().label(), "fake");
  EXPECT_EQ(response.results(1).value_case(), v1::Result::VALUE_NOT_SET);
}

// An error carries no value, and no message without end.
TEST_F(DispatchTest, AnErrorIsBounded) {
  v1::RequestPacket request;
  request.set_packet_id(1);
  request.add_operations()->mutable_check_health();
  const v1::ResponsePacket response = Answer(request);
  EXPECT_EQ(response.results(0).code(), static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_EQ(response.results(0).message().size(), kMaxErrorMessageBytes);
}

// Sixteen full pages do not fit into a packet; the answer must say "more" rather
// than break the cap, which would end the connection.
TEST_F(DispatchTest, ListsAreCutToThePacket) {
  GenerateMany(256);
  v1::RequestPacket request;
  request.set_packet_id(next_++);
  for (int i = 0; i < kMaxOperationsPerPacket; ++i) {
    request.add_operations()->mutable_list()->set_limit(kMaxListLimit);
  }
  const v1::ResponsePacket response = Answer(request);
  EXPECT_GT(response.results(0).object_list().objects_size(), 0);
  EXPECT_TRUE(response.results(1).object_list().more());
}

// A list by itself always gets on.
TEST_F(DispatchTest, AListAloneHasRoomForAPage) {
  GenerateMany(256);
  v1::RequestPacket request;
  request.set_packet_id(next_++);
  request.add_operations()->mutable_list()->set_limit(kMaxListLimit);
  EXPECT_GT(Answer(request).results(0).object_list().objects_size(), 200);
}

// Tombstones only ever get more; their lists must fit, too.
TEST_F(DispatchTest, MarkListsAreCutToThePacket) {
  for (int n = 0; n < 256; ++n) {
    v1::RequestPacket request;
    request.set_packet_id(next_++);
    v1::Revoke& revoke = *request.add_operations()->mutable_revoke();
    std::string id(16, 'i');
    id[15] = static_cast<char>(n);
    revoke.mutable_object()->set_object_id(id);
    revoke.mutable_object()->set_key(std::string(kMaxKeyNameBytes, 'k'));
    revoke.set_revoke_time_us(1'700'000'000'000'000);
    EXPECT_EQ(Answer(request).results(0).code(), 0);
  }
  v1::RequestPacket request;
  request.set_packet_id(next_++);
  for (int i = 0; i < kMaxOperationsPerPacket; ++i) {
    request.add_operations()->mutable_list_marks()->set_limit(kMaxListLimit);
  }
  const v1::ResponsePacket response = Answer(request);
  EXPECT_EQ(response.results(0).mark_list().marks_size(), 256);
  EXPECT_FALSE(response.results(0).mark_list().more());
  EXPECT_TRUE(response.results(kMaxOperationsPerPacket - 1).mark_list().more());
}

// The server acts on the reason, not on the message.
TEST_F(DispatchTest, AnErrorCarriesItsReason) {
  v1::RequestPacket request;
  request.set_packet_id(1);
  request.add_operations()->mutable_destroy()->mutable_object()->set_object_id("short");
  const v1::ResponsePacket response = Answer(request);
  EXPECT_EQ(response.results(0).code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(response.results(0).reason(), "OBJECT_REF_INVALID");
}

// What is too long for its place is no mistake but somebody at work.
TEST_F(DispatchTest, NewVerbsHaveTheirCaps) {
  const auto refused = [this](const v1::Operation& operation) {
    v1::RequestPacket request;
    request.set_packet_id(next_++);
    *request.add_operations() = operation;
    std::string answer;
    return !dispatcher_.Answer(request.SerializeAsString(), answer).ok();
  };
  const std::string long_id(kObjectIdBytes + 1, 'i');
  v1::Operation operation;
  operation.mutable_schedule_destroy()->mutable_object()->set_object_id(long_id);
  EXPECT_TRUE(refused(operation));
  operation.mutable_destroy()->mutable_object()->set_key(std::string(kMaxKeyNameBytes + 1, 'k'));
  EXPECT_TRUE(refused(operation));
  operation.mutable_cancel_destroy()->mutable_object()->set_object_id(long_id);
  EXPECT_TRUE(refused(operation));
  operation.mutable_revoke()->mutable_object()->set_object_id(long_id);
  EXPECT_TRUE(refused(operation));
  operation.mutable_list_marks()->set_limit(kMaxListLimit + 1);
  EXPECT_TRUE(refused(operation));
  operation.mutable_advance_epoch()->mutable_epoch()->set_lineage(
      std::string(kLineageBytes + 1, 'l'));
  EXPECT_TRUE(refused(operation));
  operation.mutable_advance_epoch()->set_recover(std::string(kLineageBytes + 1, 'l'));
  EXPECT_TRUE(refused(operation));
  EXPECT_EQ(verbs_.calls, 0);
}

// Nothing of a packet is carried out if anything in it is a violation, even if
// that comes last: the server could not tell what was done.
TEST_F(DispatchTest, AViolationIsFoundBeforeAnythingIsDone) {
  v1::RequestPacket request;
  request.set_packet_id(1);
  request.add_operations()->mutable_describe();
  request.add_operations();  // no verb
  std::string answer;
  EXPECT_FALSE(dispatcher_.Answer(request.SerializeAsString(), answer).ok());
  EXPECT_EQ(verbs_.calls, 0);
}

// Two threads of the server send in whatever order the kernel runs them. Were
// ids to count up, a busy server would end its own signers.
TEST_F(DispatchTest, PacketIdsComeInAnyOrderButNotTwice) {
  std::string answer;
  v1::RequestPacket request;
  request.add_operations()->mutable_describe();
  for (const uint64_t id : {5U, 4U, 7U, 6U}) {
    request.set_packet_id(id);
    EXPECT_TRUE(dispatcher_.Answer(request.SerializeAsString(), answer).ok()) << id;
  }
  for (const uint64_t id : {7U, 6U, 0U}) {
    request.set_packet_id(id);
    EXPECT_FALSE(dispatcher_.Answer(request.SerializeAsString(), answer).ok()) << id;
  }
}

}  // namespace
}  // namespace sealward::hsm
