// Refusals by the thousand. If these break, a caller who is refused can fill the
// log's disk, or refusals go missing from the record.
#include "server/decisions/aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/recording_sink.h"

namespace sealward::decisions {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class AggregatorTest : public testing::Test {
 protected:
  DecisionRecord Refusal(absl::string_view resource = "k") const {
    DecisionRecord record;
    record.time = clock_.Now();
    record.outcome = Outcome::kDenied;
    record.code = absl::StatusCode::kPermissionDenied;
    record.principal = "p";
    record.peer = "ipv4:1";
    record.certificate = "c";
    record.verb = "v";
    record.resource = resource;
    record.reason = "r";
    record.request_id = "1";
    return record;
  }

  fakes::ManualClock clock_;
  fakes::RecordingSink next_;
  Aggregator aggregator_{&next_, &clock_};
};

TEST_F(AggregatorTest, TheFirstGoesAtOnceAndTheRestAsOne) {
  aggregator_.Record(Refusal());
  EXPECT_THAT(next_.Take(), ElementsAre("denied PERMISSION_DENIED v k by p [c]: r x1"));
  clock_.Advance(kRepeatWindow / 2);
  for (const char* id : {"2", "3", "4"}) {
    DecisionRecord repeat = Refusal();
    repeat.request_id = id;
    repeat.peer = "ipv4:2";
    aggregator_.Record(repeat);
  }
  const absl::Time last = clock_.Now();
  aggregator_.EndWindows();
  EXPECT_THAT(next_.Take(), IsEmpty());
  clock_.Advance(kRepeatWindow / 2);
  aggregator_.EndWindows();
  EXPECT_THAT(next_.Take(), ElementsAre("denied PERMISSION_DENIED v k by p [c]: r x3"));
  EXPECT_EQ(next_.last_request_id(), "4");
  EXPECT_EQ(next_.last_peer(), "ipv4:2");
  EXPECT_EQ(next_.last_time(), last);
  aggregator_.Record(Refusal());
  EXPECT_THAT(next_.Take(), SizeIs(1));
}

TEST_F(AggregatorTest, ARecordAfterItsWindowEndsIt) {
  aggregator_.Record(Refusal());
  aggregator_.Record(Refusal());
  EXPECT_THAT(next_.Take(), SizeIs(1));
  clock_.Advance(kRepeatWindow);
  aggregator_.Record(Refusal());
  EXPECT_THAT(next_.Take(), ElementsAre("denied PERMISSION_DENIED v k by p [c]: r x1",
                                        "denied PERMISSION_DENIED v k by p [c]: r x1"));
  clock_.Advance(kRepeatWindow);
  aggregator_.EndWindows();
  EXPECT_THAT(next_.Take(), IsEmpty());  // nothing was repeated
  EXPECT_EQ(next_.count(), 3);
}

TEST_F(AggregatorTest, WhatDiffersIsToldApart) {
  aggregator_.Record(Refusal());
  for (absl::string_view DecisionRecord::* field :
       {&DecisionRecord::principal, &DecisionRecord::certificate, &DecisionRecord::verb,
        &DecisionRecord::resource, &DecisionRecord::reason}) {
    DecisionRecord other = Refusal();
    other.*field = "other";
    aggregator_.Record(other);
  }
  EXPECT_THAT(next_.Take(), SizeIs(6));
}

// A resource of a caller's making must not look like somebody else's refusal.
TEST_F(AggregatorTest, NamesCannotRunTogether) {
  DecisionRecord one = Refusal();
  one.principal = "p";
  one.certificate = "ab";
  DecisionRecord two = Refusal();
  two.principal = "pa";
  two.certificate = "b";
  aggregator_.Record(one);
  aggregator_.Record(two);
  EXPECT_THAT(next_.Take(), SizeIs(2));
}

TEST_F(AggregatorTest, ActsAreNeverCountedTogether) {
  for (const Outcome outcome : {Outcome::kAllowed, Outcome::kFailed}) {
    DecisionRecord act = Refusal();
    act.outcome = outcome;
    aggregator_.Record(act);
    aggregator_.Record(act);
    EXPECT_THAT(next_.Take(), SizeIs(2));
  }
}

// A flood of different refusals is bounded too, and still counted to the last.
TEST_F(AggregatorTest, WhatThereIsNoRoomForIsCountedWithoutItsResource) {
  const int calls = static_cast<int>(kMaxToldApart) + 500;
  for (int i = 0; i < calls; ++i) aggregator_.Record(Refusal(absl::StrCat("k", i)));
  EXPECT_THAT(next_.Take(), SizeIs(kMaxToldApart));
  clock_.Advance(kRepeatWindow);
  aggregator_.EndWindows();
  EXPECT_THAT(next_.Take(), ElementsAre("denied PERMISSION_DENIED v * by p [c]: r x500"));
  EXPECT_EQ(next_.count(), calls);
}

TEST_F(AggregatorTest, ManyCallersAreBoundedToo) {
  const size_t calls = 2 * kMaxToldApart + 10;
  for (size_t i = 0; i < calls; ++i) {
    const std::string principal = absl::StrCat("p", i);
    DecisionRecord refusal = Refusal();
    refusal.principal = principal;
    aggregator_.Record(refusal);
  }
  EXPECT_THAT(next_.Take(), SizeIs(kMaxToldApart));
  clock_.Advance(kRepeatWindow);
  aggregator_.EndWindows();
  const auto written = next_.Take();
  EXPECT_THAT(written, SizeIs(kMaxToldApart + 1));
  EXPECT_THAT(written, testing::Contains("denied PERMISSION_DENIED * * by * [*]: * x10"));
  EXPECT_EQ(next_.count(), static_cast<int64_t>(calls));
}

TEST_F(AggregatorTest, AClockThatIsSetBackEndsTheWindow) {
  aggregator_.Record(Refusal());
  aggregator_.Record(Refusal());
  clock_.Advance(-absl::Hours(1));
  aggregator_.EndWindows();
  EXPECT_EQ(next_.count(), 2);
}

TEST_F(AggregatorTest, StopPassesOnWhatWasCounted) {
  aggregator_.Start();
  for (int i = 0; i < 5; ++i) aggregator_.Record(Refusal());
  aggregator_.Stop();
  EXPECT_EQ(next_.count(), 5);
  aggregator_.Record(Refusal());
  aggregator_.Record(Refusal());
  EXPECT_EQ(next_.count(), 7);
  aggregator_.Stop();
  EXPECT_EQ(next_.count(), 7);
}

TEST_F(AggregatorTest, NoneIsLostAmongThreads) {
  aggregator_.Start();
  constexpr int kThreads = 4;
  constexpr int kCalls = 2000;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < kCalls; ++i) {
        aggregator_.Record(Refusal(absl::StrCat("k", i % 7)));
        if (i % 100 == 0) clock_.Advance(kRepeatWindow / 3);
        if (i % 64 == 0) aggregator_.EndWindows();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  aggregator_.Stop();
  EXPECT_EQ(next_.count(), kThreads * kCalls);
}

}  // namespace
}  // namespace sealward::decisions
