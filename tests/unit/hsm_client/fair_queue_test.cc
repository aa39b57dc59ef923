// The queue shared by tenants. If this goes, one tenant at full blast starves
// the others, fills the queue for all, or gets its JWTs out of order.
#include "server/hsm_client/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/hsm_client/cost.h"

namespace sealward::hsm_client {
namespace {

using testing::ElementsAre;

Partition::Submission Operation(uint64_t flow, int cost, int number = 0) {
  Partition::Submission submission;
  submission.operation.mutable_sign_jws()->set_signing_input(absl::StrCat(number));
  submission.flow = flow;
  submission.cost = cost;
  return submission;
}

int NumberOf(const Partition::Submission& submission) {
  int number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(submission.operation.sign_jws().signing_input(), &number));
  return number;
}

void Push(FairQueue& queue, uint64_t flow, int cost, int count) {
  for (int i = 0; i < count; ++i) queue.Push(Operation(flow, cost, i));
}

// Flows of the next `count` operations.
std::vector<uint64_t> NextFlows(FairQueue& queue, int count) {
  std::vector<uint64_t> flows;
  flows.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) flows.push_back(queue.Pop().flow);
  return flows;
}

TEST(FairQueue, AloneAFlowIsAQueue) {
  FairQueue queue(1000);
  Push(queue, 7, 1, 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(NumberOf(queue.Pop()), i);
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, FlowsTakeTurnsOfAQuantum) {
  FairQueue queue(1000);
  Push(queue, 1, kQuantum / 2, 6);
  Push(queue, 2, kQuantum, 3);
  EXPECT_THAT(NextFlows(queue, 9), ElementsAre(1, 1, 2, 1, 1, 2, 1, 1, 2));
}

TEST(FairQueue, WhoComesWaitsForOneTurnOfTheOthers) {
  FairQueue queue(1000);
  Push(queue, 1, 1, 400);
  NextFlows(queue, 3);
  Push(queue, 2, 1, 1);
  const std::vector<uint64_t> flows = NextFlows(queue, kQuantum);
  EXPECT_TRUE(std::ranges::find(flows, 2U) != flows.end()) << "after more than a turn";
}

TEST(FairQueue, ACostlyOperationSavesUpForItsTurn) {
  FairQueue queue(1000);
  Push(queue, 1, 100, 2);
  Push(queue, 2, 1, 400);
  int before = 0;
  while (queue.Pop().flow != 1) ++before;
  EXPECT_GE(before, 100 - 2 * kQuantum);
  EXPECT_LE(before, 100 + kQuantum);
}

// Else a flow could get more than its share by never having much waiting.
TEST(FairQueue, AFlowThatHasNothingSavesNothing) {
  FairQueue queue(1000);
  Push(queue, 1, 12 * kQuantum + 1, 1);
  queue.Pop();  // leaves all but one of a quantum
  Push(queue, 1, kQuantum - 1, 3);
  Push(queue, 2, kQuantum - 1, 3);
  EXPECT_THAT(NextFlows(queue, 6), ElementsAre(1, 2, 1, 2, 1, 2));
}

TEST(FairQueue, WhatIsDroppedCostsNothing) {
  FairQueue queue(1000);
  Push(queue, 1, kQuantum, 4);
  Push(queue, 2, kQuantum, 4);
  EXPECT_EQ(queue.Drop().flow, 1U);
  EXPECT_THAT(NextFlows(queue, 4), ElementsAre(1, 2, 1, 2));
}

TEST(FairQueue, AFloodLeavesRoomForOthers) {
  FairQueue queue(120);
  int flood = 0;
  while (queue.HasRoomFor(1)) {
    queue.Push(Operation(1, 1));
    ++flood;
  }
  EXPECT_EQ(flood, 60);  // alone: half
  ASSERT_TRUE(queue.HasRoomFor(2));
  while (queue.HasRoomFor(2)) queue.Push(Operation(2, 1));
  while (queue.HasRoomFor(3)) queue.Push(Operation(3, 1));
  // However many floods there are, one more flow finds room.
  EXPECT_TRUE(queue.HasRoomFor(4));
  EXPECT_FALSE(queue.HasRoomFor(1));
  EXPECT_LE(queue.size(), 120U);
  // Room comes back.
  while (!queue.empty()) queue.Pop();
  EXPECT_TRUE(queue.HasRoomFor(1));
}

TEST(FairQueue, TakeAllLeavesNothingAndForgetsNothing) {
  FairQueue queue(1000);
  Push(queue, 1, 3, 5);
  Push(queue, 2, 100, 5);
  EXPECT_EQ(queue.TakeAll().size(), 10U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.CostAhead(1, 1), 0);
  Push(queue, 3, 1, 2);
  EXPECT_THAT(NextFlows(queue, 2), ElementsAre(3, 3));
}

TEST(FairQueue, CostAheadIsTheOwnAndAFairShareOfTheOthers) {
  FairQueue queue(10'000);
  EXPECT_EQ(queue.CostAhead(1, 1), 0);
  Push(queue, 1, 1, 10);
  EXPECT_EQ(queue.CostAhead(1, 1), 10);
  Push(queue, 2, 1, 1000);
  // Its own 10, and of the other's thousand what comes in turn with them.
  EXPECT_EQ(queue.CostAhead(1, 1), 10 + 11 + kQuantum);
  // For a newcomer one turn of each.
  EXPECT_EQ(queue.CostAhead(3, 1), 2 * (1 + kQuantum));
  // For the flood all of its own and the other's ten.
  EXPECT_EQ(queue.CostAhead(2, 1), 1010);
}

// Random histories against the definition: costs that flows with work all along
// have been served differ by no more than the bound of deficit round robin; each
// flow's order is its own; nothing is lost.
RC_GTEST_PROP(FairQueueProperties, NoFlowLagsBehind, ()) {
  const auto costs = *rc::gen::container<std::vector<int>>(*rc::gen::inRange<size_t>(2, 7),
                                                           rc::gen::element(1, 4, 15, 45, 100));
  FairQueue queue(100'000);
  const int each = 300;
  const uint64_t flows = costs.size();
  for (int number = 0; number < each; ++number) {
    for (uint64_t flow = 0; flow < flows; ++flow) {
      queue.Push(Operation(flow, costs[flow], number));
    }
  }
  std::vector<int64_t> served(flows, 0);
  std::vector<int> next(flows, 0);
  // While all have work.
  while (std::ranges::all_of(next, [](int n) { return n < each; })) {
    const Partition::Submission taken = queue.Pop();
    RC_ASSERT(NumberOf(taken) == next[taken.flow]);
    ++next[taken.flow];
    served[taken.flow] += taken.cost;
    for (uint64_t a = 0; a < flows; ++a) {
      for (uint64_t b = 0; b < a; ++b) {
        RC_ASSERT(std::abs(served[a] - served[b]) <= kQuantum + costs[a] + costs[b]);
      }
    }
  }
  RC_ASSERT(queue.TakeAll().size() ==
            flows * each - static_cast<size_t>(std::accumulate(next.begin(), next.end(), 0)));
}

// Whoever is sparse is served within one turn of each of the others, whatever
// those have queued and whenever it comes.
RC_GTEST_PROP(FairQueueProperties, ASparseFlowWaitsForATurnOfEach, ()) {
  const int floods = *rc::gen::inRange(1, 8);
  const int cost = *rc::gen::element(1, 4, 8);
  FairQueue queue(100'000);
  for (int flow = 1; flow <= floods; ++flow) Push(queue, static_cast<uint64_t>(flow), cost, 400);
  for (const int gap : *rc::gen::container<std::vector<int>>(10, rc::gen::inRange(0, 30))) {
    for (int i = 0; i < gap; ++i) queue.Pop();
    const int64_t promised = queue.CostAhead(0, 1);
    queue.Push(Operation(0, 1));
    int64_t waited = 0;
    for (Partition::Submission taken = queue.Pop(); taken.flow != 0; taken = queue.Pop()) {
      waited += taken.cost;
    }
    RC_ASSERT(waited <= floods * kQuantum);
    RC_ASSERT(waited <= promised);
  }
}

// The estimate for shedding never says too little while nobody new comes.
RC_GTEST_PROP(FairQueueProperties, CostAheadIsAnUpperBound, ()) {
  FairQueue queue(100'000);
  const auto pushes = *rc::gen::container<std::vector<std::pair<int, int>>>(
      60, rc::gen::pair(rc::gen::inRange(0, 5), rc::gen::element(1, 4, 8)));
  for (const auto& [flow, cost] : pushes) queue.Push(Operation(static_cast<uint64_t>(flow), cost));
  const auto flow = static_cast<uint64_t>(*rc::gen::inRange(0, 6));
  const int64_t promised = queue.CostAhead(flow, 1);
  queue.Push(Operation(flow, 1, 77));
  int64_t waited = 0;
  for (Partition::Submission taken = queue.Pop(); NumberOf(taken) != 77; taken = queue.Pop()) {
    waited += taken.cost;
  }
  RC_ASSERT(waited <= promised);
}

TEST(Cost, RsaIsFarDearerThanTheCurves) {
  EXPECT_EQ(CostOf(*FindAlgorithm(v1::ALGORITHM_ES256)), 1);
  EXPECT_GT(CostOf(*FindAlgorithm(v1::ALGORITHM_EDDSA_ED25519)),
            CostOf(*FindAlgorithm(v1::ALGORITHM_ES256)));
  EXPECT_GT(CostOf(*FindAlgorithm(v1::ALGORITHM_RS256_2048)),
            CostOf(*FindAlgorithm(v1::ALGORITHM_EDDSA_ED25519)));
  EXPECT_GT(CostOf(*FindAlgorithm(v1::ALGORITHM_RS256_3072)),
            CostOf(*FindAlgorithm(v1::ALGORITHM_RS256_2048)));
  EXPECT_GT(CostOf(*FindAlgorithm(v1::ALGORITHM_RS256_4096)),
            CostOf(*FindAlgorithm(v1::ALGORITHM_RS256_3072)));
}

}  // namespace
}  // namespace sealward::hsm_client
