// One round of load: a fixed number of calls in flight for a fixed time.
#ifndef SEALWARD_TESTS_BENCH_LOAD_ROUND_H_
#define SEALWARD_TESTS_BENCH_LOAD_ROUND_H_

#include <grpcpp/grpcpp.h>

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

// LoadRound keeps `concurrency` calls in flight over the stubs, taken in turn,
// from one thread and one completion queue: the cheapest client, because it
// shares the machine with what it measures.
template <typename Call>
class LoadRound {
 public:
  // REQUIRES: `requests` is not empty; everything passed outlives the round.
  LoadRound(std::vector<Stub*> stubs, const std::vector<typename Call::Request>& requests,
            AnswerCheck& check)
      : stubs_(std::move(stubs)), requests_(requests), check_(check) {}

  // Issues calls for `seconds`, waits for the last, and returns signatures,
  // calls, wall and CPU nanoseconds of this process, and percentiles of a call.
  Json Run(size_t concurrency, double seconds) {
    std::vector<Slot> slots(concurrency);
    const int64_t cpu_before_ns = ProcessCpuNs();
    const int64_t start_ns = MonotonicNs();
    const int64_t end_ns = start_ns + static_cast<int64_t>(seconds * 1e9);
    for (size_t i = 0; i < concurrency; ++i) {
      slots[i].stub = stubs_[i % stubs_.size()];
      Start(slots[i]);
    }
    int64_t now_ns = start_ns;
    void* tag = nullptr;
    bool ok = false;
    for (size_t in_flight = concurrency; in_flight > 0 && queue_.Next(&tag, &ok);) {
      Slot& slot = *static_cast<Slot*>(tag);
      now_ns = MonotonicNs();
      Finish(slot, now_ns);
      if (now_ns < end_ns) {
        Start(slot);
      } else {
        --in_flight;
      }
    }
    return {{"ops", signatures_},
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
  size_t next_request_ = 0;
  size_t signatures_ = 0;
};

}  // namespace sealward::bench

#endif  // SEALWARD_TESTS_BENCH_LOAD_ROUND_H_
