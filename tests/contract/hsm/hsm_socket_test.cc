// The socket itself, used as no server of ours does: packets over the limit, passed
// descriptors, halves that are closed. If this goes, a hijacked server may hand the signer
// files to hold, or hang it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

constexpr int kExitProtocol = 70;

std::string DescribePacket() {
  hsm::v1::RequestPacket packet;
  packet.set_packet_id(1);
  *packet.add_operations() = DescribeOp();
  return packet.SerializeAsString();
}

// Sends `packet` with `passed` attached (SCM_RIGHTS, unix(7)).
bool SendWith(int socket, std::string packet, int passed) {
  iovec data{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &passed, sizeof(int));
  return sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
}

class SocketTest : public ::testing::Test {
 protected:
  SocketTest() : process_(partition_.directory()) { EXPECT_TRUE(process_.Ready().ok()); }

  TempPartition partition_;
  HsmProcess process_;
};

TEST_F(SocketTest, APacketOverTheLimitEndsIt) {
  const std::string large(kMaxPacketBytes + 1, 'x');
  ASSERT_EQ(send(process_.fd(), large.data(), large.size(), MSG_NOSIGNAL), std::ssize(large));
  EXPECT_FALSE(process_.Receive().ok());
  EXPECT_EQ(process_.Wait().exit_code, kExitProtocol);
}

// A good packet does not help; and what was passed is not kept open.
TEST_F(SocketTest, APassedDescriptorEndsIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_TRUE(SendWith(process_.fd(), DescribePacket(), ends[1]));
  close(ends[1]);
  EXPECT_FALSE(process_.Receive().ok());
  EXPECT_EQ(process_.Wait().exit_code, kExitProtocol);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0) << "somebody holds the other end";
  close(ends[0]);
}

// What was asked before our half was closed is answered; then it ends, and well.
TEST_F(SocketTest, AHalfThatNoLongerSendsIsAnsweredFirst) {
  ASSERT_TRUE(process_.SendRaw(DescribePacket()).ok());
  ASSERT_EQ(shutdown(process_.fd(), SHUT_WR), 0);
  const auto answer = process_.Receive();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->results(0).has_description());
  EXPECT_FALSE(process_.Receive().ok());
  EXPECT_EQ(process_.Wait().exit_code, 0);
}

// An answer that nobody can receive is no reason to wait.
TEST_F(SocketTest, AHalfThatNoLongerReceivesEndsIt) {
  ASSERT_EQ(shutdown(process_.fd(), SHUT_RD), 0);
  ASSERT_TRUE(process_.SendRaw(DescribePacket()).ok());
  EXPECT_EQ(process_.Wait().exit_code, 0);
}

// A packet without a byte reads as the end of the connection.
TEST_F(SocketTest, AnEmptyPacketIsTheEnd) {
  ASSERT_EQ(send(process_.fd(), "", 0, MSG_NOSIGNAL), 0);
  EXPECT_EQ(process_.Wait().exit_code, 0);
}

// More packets than may be in flight: it works through them, one after the other.
TEST_F(SocketTest, PacketsThatWaitAreAllAnswered) {
  constexpr int kPackets = 8;
  for (int i = 0; i < kPackets; ++i) ASSERT_TRUE(process_.Post({DescribeOp()}).ok());
  for (int i = 0; i < kPackets; ++i) {
    const auto answer = process_.Receive();
    ASSERT_TRUE(answer.ok()) << i << ": " << answer.status();
    EXPECT_EQ(answer->packet_id(), static_cast<uint64_t>(i + 1));
  }
}

}  // namespace
}  // namespace sealward::hsm_test
