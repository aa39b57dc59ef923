#include "tests/unit/client/test_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sealward::client {
namespace {

sockaddr_in Address(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

TestProxy::TestProxy(int port) : server_port_(port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Address(0);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener_, any, size), 0);
  EXPECT_EQ(listen(listener_, SOMAXCONN), 0);
  EXPECT_EQ(getsockname(listener_, any, &size), 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

TestProxy::~TestProxy() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  Cut();
  std::list<Link> links;
  {
    absl::MutexLock lock(&mu_);
    links.swap(links_);  // the nodes stay where they are
  }
  for (Link& link : links) {
    link.there.join();
    link.back.join();
    close(link.near);
    close(link.far);
  }
}

std::string TestProxy::target() const { return absl::StrCat("localhost:", port_); }

void TestProxy::Accept() {
  while (true) {
    const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (near < 0) return;
    const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Address(server_port_);
    EXPECT_EQ(connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    absl::MutexLock lock(&mu_);
    Link& link = links_.emplace_back();
    link.near = near;
    link.far = far;
    link.there = std::thread([this, near, far, &link] { Pump(near, far, &link.frozen); });
    link.back = std::thread([this, near, far, &link] { Pump(far, near, &link.frozen); });
  }
}

void TestProxy::Pump(int from, int to, const std::atomic<bool>* frozen) {
  std::array<char, 16'384> bytes;
  while (true) {
    const ssize_t got = read(from, bytes.data(), bytes.size());
    if (got <= 0) break;
    if (*frozen) continue;
    {
      absl::MutexLock lock(&mu_);
      ++segments_;
    }
    if (send(to, bytes.data(), static_cast<size_t>(got), MSG_NOSIGNAL) != got) break;
  }
  if (*frozen) return;  // not even the end is passed on
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

void TestProxy::Cut() {
  absl::MutexLock lock(&mu_);
  for (const Link& link : links_) {
    shutdown(link.near, SHUT_RDWR);
    shutdown(link.far, SHUT_RDWR);
  }
}

void TestProxy::AwaitSegments(int count) {
  absl::MutexLock lock(&mu_);
  const int until = segments_ + count;
  const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return segments_ >= until; };
  mu_.Await(absl::Condition(&enough));
}

void TestProxy::Freeze() {
  absl::MutexLock lock(&mu_);
  for (Link& link : links_) link.frozen = true;
}

}  // namespace sealward::client
