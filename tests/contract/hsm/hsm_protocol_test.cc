// Packets that break the protocol end the process, with nothing carried out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

hsm::v1::RequestPacket Packet(std::vector<hsm::v1::Operation> operations) {
  hsm::v1::RequestPacket packet;
  packet.set_packet_id(1);
  for (auto& operation : operations) *packet.add_operations() = std::move(operation);
  return packet;
}

struct Violation {
  const char* name;
  std::string packet;
};

std::vector<Violation> Violations() {
  std::vector<Violation> all;
  all.push_back({"no protobuf", "\xff\xff\xff garbage"});
  all.push_back({"no operation", Packet({}).SerializeAsString()});
  all.push_back({"no verb", Packet({hsm::v1::Operation()}).SerializeAsString()});
  all.push_back({"too many operations",
                 Packet(std::vector<hsm::v1::Operation>(17, DescribeOp())).SerializeAsString()});
  all.push_back({"packet_id 0", [] {
                   auto packet = Packet({DescribeOp()});
                   packet.clear_packet_id();
                   return packet.SerializeAsString();
                 }()});
  all.push_back(
      {"too much data", Packet({SignOp(Ref(Id(1)), std::string(kMaxOperationDataBytes + 1, 'x'))})
                            .SerializeAsString()});
  all.push_back({"a long id", Packet({ForgetOp(std::string(17, 'x'))}).SerializeAsString()});
  all.push_back(
      {"a long name", Packet({GetOp(Ref(Id(1), std::string(141, 'x')))}).SerializeAsString()});
  all.push_back({"a long page", Packet({ListOp("", 257)}).SerializeAsString()});
  // Field 100 of Operation, empty: a verb of some later version.
  all.push_back({"an unknown verb", std::string("\x08\x01\x12\x03\xa2\x06\x00", 7)});
  // Field 3 of RequestPacket.
  all.push_back({"an unknown field",
                 Packet({DescribeOp()}).SerializeAsString() + std::string("\x18\x01", 2)});
  // Generate with field 7 beside a good verb: the good one must not be run.
  all.push_back({"an unknown field inside", [] {
                   auto packet = Packet({GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)});
                   auto* generate = packet.mutable_operations(0)->mutable_generate();
                   const auto* reflection = hsm::v1::Generate::GetReflection();
                   reflection->MutableUnknownFields(generate)->AddVarint(7, 1);
                   return packet.SerializeAsString();
                 }()});
  return all;
}

// Whatever gets through here is a verb that nobody reviewed.
TEST(ProtocolTest, AViolationEndsTheProcessAndDoesNothing) {
  const TempPartition partition;
  for (const Violation& violation : Violations()) {
    SCOPED_TRACE(violation.name);
    HsmProcess process(partition.directory());
    ASSERT_TRUE(process.Ready().ok());
    ASSERT_TRUE(process.SendRaw(violation.packet).ok());
    EXPECT_FALSE(process.Receive().ok());
    EXPECT_EQ(process.Wait().exit_code, 70);
  }
  HsmProcess process(partition.directory());
  ASSERT_TRUE(process.Ready().ok());
  EXPECT_EQ(process.CallOne(ListOp("", 10)).object_list().objects_size(), 0);
}

// Answers are matched by packet_id: one that comes twice would give a caller the
// signature that another asked for.
TEST(ProtocolTest, ARepeatedPacketIdIsAViolation) {
  const TempPartition partition;
  HsmProcess process(partition.directory());
  ASSERT_TRUE(process.Ready().ok());
  const std::string packet = Packet({HealthOp()}).SerializeAsString();
  ASSERT_TRUE(process.SendRaw(packet).ok());
  EXPECT_TRUE(process.Receive().ok());
  ASSERT_TRUE(process.SendRaw(packet).ok());
  EXPECT_EQ(process.Wait().exit_code, 70);
}

// The caps are the same on both sides: the largest packet works.
TEST(ProtocolTest, TheLargestSigningInputIsSigned) {
  const TempPartition partition;
  HsmProcess process(partition.directory());
  ASSERT_TRUE(process.Ready().ok());
  const hsm::v1::PublicKey key =
      process.CallOne(GenerateOp(Ref(Id(1)), v1::ALGORITHM_ES256)).public_key();
  std::string input = SigningInputFor(key);
  input = input.substr(0, input.find('.') + 1);
  input.append(kMaxOperationDataBytes - input.size() - 3, 'A');
  while (input.size() % 4 == 2) input.pop_back();
  const hsm::v1::Result result = process.CallOne(SignOp(Ref(Id(1)), input));
  ASSERT_EQ(result.code(), 0) << result.message();
  EXPECT_TRUE(Verifies(key, input, result.signature().signature()));
}

}  // namespace
}  // namespace sealward::hsm_test
