// A TCP proxy between client and server, which can cut and lose connections.
#ifndef SEALWARD_TESTS_UNIT_CLIENT_TEST_PROXY_H_
#define SEALWARD_TESTS_UNIT_CLIENT_TEST_PROXY_H_

#include <atomic>
#include <list>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace sealward::client {

// TestProxy passes on what it gets between its own port of 127.0.0.1 and `port`.
// Thread-safe.
class TestProxy {
 public:
  explicit TestProxy(int port);
  ~TestProxy();

  std::string target() const;
  // Ends the connections there are; new ones are passed on.
  void Cut();
  // The connections there are fall silent in both directions, and stay open: as if
  // the machine behind them had gone. New ones are passed on.
  void Freeze();
  // Returns after so many more reads of what there was to pass on.
  void AwaitSegments(int count);

 private:
  // Link is one connection and its two threads.
  struct Link {
    int near = -1;
    int far = -1;
    std::atomic<bool> frozen = false;
    std::thread there;
    std::thread back;
  };

  void Accept();
  void Pump(int from, int to, const std::atomic<bool>* frozen);

  const int server_port_;
  int listener_ = -1;
  int port_ = 0;
  absl::Mutex mu_;
  std::list<Link> links_ ABSL_GUARDED_BY(mu_);
  int segments_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread acceptor_;
};

}  // namespace sealward::client

#endif  // SEALWARD_TESTS_UNIT_CLIENT_TEST_PROXY_H_
