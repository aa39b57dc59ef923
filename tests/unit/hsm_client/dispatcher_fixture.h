// Operations for a Dispatcher, and what a healthy process would answer.
#ifndef SEALWARD_TESTS_UNIT_HSM_CLIENT_DISPATCHER_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_HSM_CLIENT_DISPATCHER_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/hsm_client/dispatcher.h"

namespace sealward::hsm_client {

inline const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);
inline constexpr Dispatcher::SteadyTime kSteady{};

class DispatcherTest : public ::testing::Test {
 protected:
  Partition::Submission Operation(bool slow, absl::Time deadline = absl::InfiniteFuture(),
                                  size_t bytes = 10) {
    Partition::Submission submission;
    if (slow) {
      submission.operation.mutable_generate();
    } else {
      submission.operation.mutable_sign_jws()->set_signing_input(std::string(bytes, 'x'));
    }
    submission.deadline = deadline;
    submission.done = [this](absl::StatusOr<hsm::v1::Result> result) {
      results_.push_back(std::move(result));
    };
    return submission;
  }

  std::vector<Partition::Submission> Signs(size_t count, size_t bytes = 10) {
    std::vector<Partition::Submission> submissions;
    submissions.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      submissions.push_back(Operation(false, absl::InfiniteFuture(), bytes));
    }
    return submissions;
  }

  std::vector<Partition::Submission> Generates(size_t count) {
    std::vector<Partition::Submission> submissions;
    submissions.reserve(count);
    for (size_t i = 0; i < count; ++i) submissions.push_back(Operation(true));
    return submissions;
  }

  // What a healthy process would answer.
  static hsm::v1::ResponsePacket AnswerTo(const hsm::v1::RequestPacket& request) {
    hsm::v1::ResponsePacket response;
    response.set_packet_id(request.packet_id());
    for (int i = 0; i < request.operations_size(); ++i) response.add_results();
    return response;
  }

  void Finish(Dispatcher::Work& work) {
    for (Dispatcher::Finished& each : work.finished) each.done(std::move(each.result));
  }

  std::vector<absl::StatusOr<hsm::v1::Result>> results_;
};

}  // namespace sealward::hsm_client

#endif  // SEALWARD_TESTS_UNIT_HSM_CLIENT_DISPATCHER_FIXTURE_H_
