#include "common/packet_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <thread>

namespace sealward {
namespace {

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

class PacketSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = PacketSocket::Pair();
    ASSERT_TRUE(pair.ok()) << pair.status();
    here_.emplace(std::move(pair->first));
    there_.emplace(std::move(pair->second));
  }
  absl::StatusOr<std::string> Receive() {
    std::string packet;
    const absl::Status status = here_->Receive(packet);
    if (!status.ok()) return status;
    return packet;
  }
  // Sends past PacketSocket's own checks, as a peer that breaks the protocol would.
  void SendRaw(const std::string& packet) {
    ASSERT_EQ(send(there_->fd(), packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
  }
  // Sends one byte and `count` descriptors.
  void SendDescriptors(size_t count) {
    std::array<char, CMSG_SPACE(sizeof(int) * 16)> control{};
    char byte = 'x';
    iovec buffer{&byte, 1};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    for (size_t i = 0; i < count; ++i) {
      const int fd = STDIN_FILENO;
      std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
    }
    ASSERT_EQ(sendmsg(there_->fd(), &message, MSG_NOSIGNAL), 1);
  }

  std::optional<PacketSocket> here_;
  std::optional<PacketSocket> there_;
};

// Packets must not run into each other: a message is exactly one packet.
TEST_F(PacketSocketTest, KeepsPacketsApart) {
  ASSERT_TRUE(there_->Send("one").ok());
  ASSERT_TRUE(there_->Send(std::string("\0two", 4)).ok());
  EXPECT_EQ(*Receive(), "one");
  EXPECT_EQ(*Receive(), std::string("\0two", 4));
}

TEST_F(PacketSocketTest, CarriesTheLargestPacket) {
  const std::string largest(kMaxPacketBytes, 'x');
  ASSERT_TRUE(there_->Send(largest).ok());
  EXPECT_EQ(*Receive(), largest);
}

TEST_F(PacketSocketTest, RefusesToSendWhatThePeerWouldMisread) {
  EXPECT_EQ(there_->Send("").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(there_->SendBlocking("").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(there_->Send(std::string(kMaxPacketBytes + 1, 'x')).code(),
            absl::StatusCode::kInvalidArgument);
}

// A packet that was cut off must not be parsed as if it were whole.
TEST_F(PacketSocketTest, RefusesAnOversizedPacket) {
  SendRaw(std::string(kMaxPacketBytes + 1, 'x'));
  EXPECT_EQ(Receive().status().code(), absl::StatusCode::kInvalidArgument);
}

// Passed descriptors would fill the table, or hand in files that nobody asked for.
TEST_F(PacketSocketTest, RefusesAndClosesPassedDescriptors) {
  const size_t before = OpenDescriptors();
  for (const size_t count : {1U, 4U, 9U}) {  // 9: more than there is room for
    SendDescriptors(count);
    EXPECT_EQ(Receive().status().code(), absl::StatusCode::kInvalidArgument) << count;
    EXPECT_EQ(OpenDescriptors(), before) << count;
  }
}

TEST_F(PacketSocketTest, ClosedPeerIsEndOfFile) {
  ASSERT_TRUE(there_->Send("last").ok());
  there_.reset();
  EXPECT_EQ(*Receive(), "last");
  EXPECT_EQ(Receive().status().code(), absl::StatusCode::kOutOfRange);
  // And sending to it is an error, not a SIGPIPE.
  EXPECT_EQ(here_->Send("x").code(), absl::StatusCode::kUnavailable);
}

TEST_F(PacketSocketTest, EmptyPacketReadsAsEndOfFile) {
  ASSERT_EQ(send(there_->fd(), "", 0, MSG_NOSIGNAL), 0);
  EXPECT_EQ(Receive().status().code(), absl::StatusCode::kOutOfRange);
}

// The server must not hang on a signer that hangs.
TEST_F(PacketSocketTest, PeerThatDoesNotReadIsNoticed) {
  const std::string packet(kMaxPacketBytes, 'x');
  absl::Status status;
  int sent = 0;
  while ((status = there_->Send(packet)).ok() && sent < 1000) ++sent;
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  // Once it reads, all is as before: nothing was lost and nothing cut.
  for (int i = 0; i < sent; ++i) EXPECT_EQ(Receive()->size(), kMaxPacketBytes);
  EXPECT_TRUE(there_->Send("again").ok());
  EXPECT_EQ(*Receive(), "again");
}

// "Does not read" is taken for wedged, and wedged processes are replaced: what the
// protocol allows in flight must therefore fit.
TEST_F(PacketSocketTest, WindowOfTheProtocolFits) {
  const std::string packet(kMaxPacketBytes, 'x');
  for (int i = 0; i < kMaxPacketsInFlight; ++i) EXPECT_TRUE(there_->Send(packet).ok()) << i;
}

TEST_F(PacketSocketTest, SendBlockingWaitsForTheReader) {
  constexpr int kPackets = 50;
  const std::string packet(kMaxPacketBytes, 'x');
  std::thread sender([&] {
    for (int i = 0; i < kPackets; ++i) EXPECT_TRUE(there_->SendBlocking(packet).ok());
  });
  for (int i = 0; i < kPackets; ++i) EXPECT_EQ(Receive()->size(), kMaxPacketBytes);
  sender.join();
}

// The reader thread of a process that is being replaced must come back.
TEST_F(PacketSocketTest, ShutdownEndsABlockedReceive) {
  std::thread closer([&] { here_->Shutdown(); });
  EXPECT_EQ(Receive().status().code(), absl::StatusCode::kOutOfRange);
  closer.join();
  std::string packet;
  EXPECT_EQ(there_->Receive(packet).code(), absl::StatusCode::kOutOfRange);
}

TEST_F(PacketSocketTest, OwnsItsDescriptor) {
  const size_t before = OpenDescriptors();
  PacketSocket moved = *std::move(here_);
  EXPECT_EQ(here_->fd(), -1);
  EXPECT_EQ(OpenDescriptors(), before);
  moved = *std::move(there_);
  EXPECT_EQ(OpenDescriptors(), before - 1);
  EXPECT_NE(fcntl(moved.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace sealward
