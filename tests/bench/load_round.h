// One round of load, for a fixed time: a fixed number of calls in flight, or a
// fixed number of calls a second.
#ifndef SEALWARD_TESTS_BENCH_LOAD_ROUND_H_
#define SEALWARD_TESTS_BENCH_LOAD_ROUND_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sealward/v1/signing_service.grpc.pb.h"
#include "tests/bench/answer_check.h"
#include "tests/bench/latencies.h"

namespace sealward::bench {

using Stub = v1::SigningService::Stub;

// UnaryCall is SignJwt as LoadRound sees it.
struct UnaryCall {
  using Request = v1::SignJwtRequest;
  using Response = v1::SignJwtResponse;

  static auto Prepare(Stub& stub, grpc::ClientContext* context, const Request& request,
                      grpc::CompletionQueue* queue) {
    return stub.PrepareAsyncSignJwt(context, request, queue);
  }
  static size_t Check(const Request& request, const Response& response, AnswerCheck& check) {
    check.Answer(request, response);
    return 1;
  }
};

// BatchCall is BatchSignJwt as LoadRound sees it.
struct BatchCall {
  using Request = v1::BatchSignJwtRequest;
  using Response = v1::BatchSignJwtResponse;

  static auto Prepare(Stub& stub, grpc::ClientContext* context, const Request& request,
                      grpc::CompletionQueue* queue) {
    return stub.PrepareAsyncBatchSignJwt(context, request, queue);
  }
  static size_t Check(const Request& request, const Response& response, AnswerCheck& check) {
    if (response.results_size() != request.requests_size()) check.Error("a batch of another size");
    size_t signatures = 0;
    for (int i = 0; i < std::min(response.results_size(), request.requests_size()); ++i) {
      const v1::BatchSignJwtResult& result = response.results(i);
      if (result.has_response()) {
        check.Answer(request.requests(i), result.response());
        ++signatures;
      } else {
        check.Error(result.error().message());
      }
    }
    return signatures;
  }
};

// LoadRound keeps `concurrency` calls in flight over the stubs, taken in turn, or
// starts `rate` calls a second and has at most `concurrency` in flight. From one
// thread and one completion queue: the cheapest client, because it shares the
// machine with what it measures. gRPC waits in whole milliseconds, so that paced
// calls come in small bursts; each is timed from its own start.
template <typename Call>
class LoadRound {
 public:
  // REQUIRES: `requests` is not empty; everything passed outlives the round.
  LoadRound(std::vector<Stub*> stubs, const std::vector<typename Call::Request>& requests,
            AnswerCheck& check)
      : stubs_(std::move(stubs)), requests_(requests), check_(check) {}

  // Load is what to apply.
  struct Load {
    size_t concurrency = 1;
    double seconds = 1;
    double rate = 0;  // calls a second; 0: as many as are in flight
    // Count RESOURCE_EXHAUSTED as refused, not as an error.
    bool may_be_refused = false;
  };

  // Issues calls for `seconds`, waits for the last, and returns signatures,
  // refused calls, calls that were answered, wall and CPU nanoseconds of this
  // process, and percentiles of an answered call.
  Json Run(const Load& load) {
    load_ = load;
    std::vector<Slot> slots(load.concurrency);
    for (size_t i = 0; i < slots.size(); ++i) {
      slots[i].stub = stubs_[i % stubs_.size()];
      idle_.push_back(&slots[i]);
    }
    const int64_t cpu_before_ns = ProcessCpuNs();
    const int64_t start_ns = MonotonicNs();
    const int64_t end_ns = start_ns + static_cast<int64_t>(load.seconds * 1e9);
    int64_t now_ns = start_ns;
    while (now_ns < end_ns || idle_.size() < slots.size()) {
      if (now_ns < end_ns) StartDue(now_ns - start_ns);
      Await(now_ns < end_ns ? start_ns + NextDueNs() - now_ns : kForeverNs);
      now_ns = MonotonicNs();
    }
    return {{"ops", signatures_},
            {"refused", refused_},
            {"calls", latencies_.count()},
            {"wall_ns", now_ns - start_ns},
            {"cpu_ns", ProcessCpuNs() - cpu_before_ns},
            {"latency", latencies_.Percentiles()}};
  }

 private:
  // A call that takes longer counts as an error.
  static constexpr std::chrono::seconds kCallDeadline{20};

  // Slot is one call in flight, used again and again.
  struct Slot {
    Stub* stub = nullptr;
    const typename Call::Request* request = nullptr;
    typename Call::Response response;
    grpc::Status status;
    int64_t start_ns = 0;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<typename Call::Response>> reader;
  };

  static constexpr int64_t kForeverNs = 3'600'000'000'000;

  // When the next call is due, from the start of the round.
  int64_t NextDueNs() const {
    if (idle_.empty()) return kForeverNs;  // as soon as one is answered
    return load_.rate == 0 ? 0
                           : static_cast<int64_t>(static_cast<double>(calls_) * 1e9 / load_.rate);
  }

  void StartDue(int64_t elapsed_ns) {
    while (!idle_.empty() && NextDueNs() <= elapsed_ns) {
      Slot& slot = *idle_.back();
      idle_.pop_back();
      ++calls_;
      Start(slot);
    }
  }

  // Waits for an answer, at most that long, and takes all that are there.
  void Await(int64_t most_ns) {
    void* tag = nullptr;
    bool ok = false;
    auto until = std::chrono::system_clock::now() + std::chrono::nanoseconds(most_ns);
    while (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) {
      Slot& slot = *static_cast<Slot*>(tag);
      Finish(slot, MonotonicNs());
      idle_.push_back(&slot);
      if (load_.rate == 0) return;  // start its successor before anything else
      until = std::chrono::system_clock::now();
    }
  }

  void Start(Slot& slot) {
    slot.request = &requests_[next_request_++ % requests_.size()];
    slot.reader.reset();
    slot.context = std::make_unique<grpc::ClientContext>();
    slot.context->set_deadline(std::chrono::system_clock::now() + kCallDeadline);
    slot.response.Clear();
    slot.start_ns = MonotonicNs();
    slot.reader = Call::Prepare(*slot.stub, slot.context.get(), *slot.request, &queue_);
    slot.reader->StartCall();
    slot.reader->Finish(&slot.response, &slot.status, &slot);
  }

  void Finish(Slot& slot, int64_t now_ns) {
    if (load_.may_be_refused && slot.status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) {
      ++refused_;
      return;
    }
    latencies_.Add(now_ns - slot.start_ns);
    if (slot.status.ok()) {
      signatures_ += Call::Check(*slot.request, slot.response, check_);
    } else {
      check_.Error(
          absl::StrCat("code ", slot.status.error_code(), ": ", slot.status.error_message()));
    }
  }

  const std::vector<Stub*> stubs_;
  const std::vector<typename Call::Request>& requests_;
  AnswerCheck& check_;
  grpc::CompletionQueue queue_;
  Latencies latencies_;
  Load load_;
  std::vector<Slot*> idle_;
  int64_t calls_ = 0;
  size_t refused_ = 0;
  size_t next_request_ = 0;
  size_t signatures_ = 0;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_LOAD_ROUND_H_
