// Quotas of keys and tenants together. If this goes, one key's flood could eat
// its tenant's quota without signing anything, or a quota could be had again by
// changing something else in the catalog.
#include "server/quota/limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "google/rpc/error_details.pb.h"

namespace sealward::quota {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// A catalog of tenants/a with keys/one and keys/two, and tenants/b with keys/one.
class LimiterTest : public testing::Test {
 protected:
  struct Quotas {
    catalog::Quota a;
    catalog::Quota a_one;
    catalog::Quota a_two;
    catalog::Quota b;
  };

  // The next snapshot has these.
  void Show(const Quotas& quotas) {
    auto snapshot = std::make_shared<catalog::Snapshot>();
    snapshot->revision = ++revision_;
    AddTenant(*snapshot, "tenants/a", quotas.a);
    AddTenant(*snapshot, "tenants/b", quotas.b);
    AddKey(*snapshot, "tenants/a", "one", quotas.a_one);
    AddKey(*snapshot, "tenants/a", "two", quotas.a_two);
    AddKey(*snapshot, "tenants/b", "one", {});
    snapshot_ = std::move(snapshot);
  }

  absl::Status Admit(const std::string& key, absl::Time now = kNow) {
    return AdmitIn(*snapshot_, key, now);
  }
  absl::Status AdmitIn(const catalog::Snapshot& snapshot, const std::string& key,
                       absl::Time now = kNow) {
    return limiter_.Admit(snapshot, *snapshot.keys.at("tenants/" + key), now).status;
  }
  int AdmitAll(const std::string& key, int tries, absl::Time now = kNow) {
    int admitted = 0;
    for (int i = 0; i < tries; ++i) admitted += Admit(key, now).ok() ? 1 : 0;
    return admitted;
  }

  static google::rpc::QuotaFailure FailureOf(const absl::Status& status) {
    google::rpc::QuotaFailure failure;
    const auto payload = status.GetPayload(kQuotaFailureUrl);
    if (payload) failure.ParseFromString(std::string(*payload));
    return failure;
  }

  Limiter limiter_;
  std::shared_ptr<const catalog::Snapshot> snapshot_;

 private:
  static void AddTenant(catalog::Snapshot& snapshot, const std::string& name,
                        const catalog::Quota& quota) {
    auto tenant = std::make_shared<catalog::Tenant>();
    tenant->name = name;
    tenant->quota = quota;
    snapshot.tenants[name] = std::move(tenant);
  }
  static void AddKey(catalog::Snapshot& snapshot, const std::string& tenant, const std::string& id,
                     const catalog::Quota& quota) {
    auto key = std::make_shared<catalog::Key>();
    key->name = absl::StrCat(tenant, "/keys/", id);
    key->tenant = snapshot.tenants.at(tenant);
    key->quota = quota;
    snapshot.keys[key->name] = std::move(key);
  }

  int64_t revision_ = 0;
};

TEST_F(LimiterTest, WithoutQuotaThereIsNoBoundAndNoBucket) {
  Show({});
  EXPECT_EQ(AdmitAll("a/keys/one", 1000), 1000);
  EXPECT_EQ(limiter_.size(), 0U);
}

TEST_F(LimiterTest, ATenantsQuotaIsOverAllItsKeysAndNobodyElses) {
  Show({.a = {10, 6}, .a_one = {}, .a_two = {}, .b = {10, 3}});
  EXPECT_EQ(AdmitAll("a/keys/one", 4), 4);
  EXPECT_EQ(AdmitAll("a/keys/two", 4), 2);
  EXPECT_EQ(AdmitAll("b/keys/one", 4), 3);
  EXPECT_EQ(limiter_.size(), 2U);
}

TEST_F(LimiterTest, SaysWhoseQuotaAndWhenThereIsRoom) {
  Show({.a = {10, 2}, .a_one = {}, .a_two = {}, .b = {}});
  EXPECT_EQ(AdmitAll("a/keys/one", 2), 2);
  const absl::Status refused = Admit("a/keys/one");
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), "QUOTA_EXCEEDED");
  EXPECT_EQ(RetryDelay(refused), absl::Milliseconds(100));
  const auto failure = FailureOf(refused);
  ASSERT_EQ(failure.violations_size(), 1);
  EXPECT_EQ(failure.violations(0).subject(), "tenants/a");
  EXPECT_EQ(failure.violations(0).description(), "10 signatures a second, 2 at once");
  EXPECT_TRUE(absl::StrContains(refused.message(), "tenants/a")) << refused;
  EXPECT_TRUE(Admit("a/keys/one", kNow + RetryDelay(refused)).ok());
}

// A flood costs what its refusals cost: those are to come late.
TEST_F(LimiterTest, AsManyRefusalsAsSignaturesArePrompt) {
  Show({.a = {10, 5}, .a_one = {}, .a_two = {2, 2}, .b = {}});
  const auto floods = [this](const std::string& key, int tries, absl::Time now) {
    int found = 0;
    for (int i = 0; i < tries; ++i) {
      const Admission admission =
          limiter_.Admit(*snapshot_, *snapshot_->keys.at("tenants/" + key), now);
      found += admission.floods ? 1 : 0;
      EXPECT_FALSE(admission.floods && admission.status.ok());
    }
    return found;
  };
  EXPECT_EQ(floods("a/keys/one", 5 + 5, kNow), 0);
  EXPECT_EQ(floods("a/keys/one", 3, kNow), 3);
  EXPECT_EQ(floods("a/keys/one", 1 + 1 + 1, kNow + absl::Milliseconds(100)), 1);
  // Each quota for itself: this is the key's, of which the tenant's other keys know nothing.
  const absl::Time later = kNow + absl::Seconds(10);
  EXPECT_EQ(floods("a/keys/two", 2 + 2 + 4, later), 4);
  EXPECT_EQ(floods("a/keys/one", 3 + 5, later), 0);
}

TEST_F(LimiterTest, BothQuotasCountAndTheLaterOneSaysWhen) {
  Show({.a = {10, 1}, .a_one = {2, 1}, .a_two = {}, .b = {}});
  EXPECT_EQ(AdmitAll("a/keys/one", 1), 1);
  const absl::Status refused = Admit("a/keys/one");
  EXPECT_EQ(FailureOf(refused).violations_size(), 2);
  EXPECT_EQ(RetryDelay(refused), absl::Milliseconds(500));
}

TEST_F(LimiterTest, WhatTheKeyRefusesDoesNotCostTheTenant) {
  Show({.a = {10, 5}, .a_one = {10, 2}, .a_two = {}, .b = {}});
  EXPECT_EQ(AdmitAll("a/keys/one", 100), 2);
  EXPECT_EQ(FailureOf(Admit("a/keys/one")).violations(0).subject(), "tenants/a/keys/one");
  EXPECT_EQ(AdmitAll("a/keys/two", 100), 3);
}

TEST_F(LimiterTest, WhatTheTenantRefusesDoesNotCostTheKey) {
  Show({.a = {10, 5}, .a_one = {1, 2}, .a_two = {}, .b = {}});
  EXPECT_EQ(AdmitAll("a/keys/two", 100), 5);
  EXPECT_EQ(AdmitAll("a/keys/one", 100), 0);
  // The key's own burst is still there.
  EXPECT_EQ(AdmitAll("a/keys/one", 100, kNow + absl::Milliseconds(500)), 2);
}

TEST_F(LimiterTest, WhatWasUsedStaysUsedAcrossSnapshots) {
  Show({.a = {1, 5}, .a_one = {}, .a_two = {}, .b = {}});
  EXPECT_EQ(AdmitAll("a/keys/one", 100), 5);
  // Another resource gets a quota, so that the table is made again.
  Show({.a = {1, 5}, .a_one = {}, .a_two = {}, .b = {1, 1}});
  EXPECT_EQ(AdmitAll("b/keys/one", 100), 1);
  EXPECT_EQ(AdmitAll("a/keys/one", 100), 0);
  // A changed quota holds from the next signature on.
  Show({.a = {1000, 1000}, .a_one = {}, .a_two = {}, .b = {1, 1}});
  EXPECT_EQ(RetryDelay(Admit("a/keys/one")), absl::Milliseconds(1));
  EXPECT_EQ(AdmitAll("a/keys/one", 5000, kNow + absl::Seconds(1)), 1000);
  Show({});
  EXPECT_EQ(AdmitAll("a/keys/one", 5000), 5000);
}

TEST_F(LimiterTest, WhatLostItsQuotaIsForgotten) {
  Show({.a = {1, 5}, .a_one = {1, 5}, .a_two = {1, 5}, .b = {}});
  EXPECT_TRUE(Admit("a/keys/one").ok());
  EXPECT_EQ(limiter_.size(), 3U);
  Show({.a = {}, .a_one = {}, .a_two = {}, .b = {1, 5}});
  EXPECT_TRUE(Admit("b/keys/one").ok());
  EXPECT_EQ(limiter_.size(), 1U);
}

// A call that began before the quota was lifted neither fails nor brings it back.
TEST_F(LimiterTest, AnOldSnapshotDoesNotTurnTimeBack) {
  Show({.a = {1, 1}, .a_one = {}, .a_two = {}, .b = {}});
  const auto old = snapshot_;
  Show({.a = {}, .a_one = {}, .a_two = {}, .b = {1, 5}});
  EXPECT_TRUE(Admit("b/keys/one").ok());
  EXPECT_TRUE(AdmitIn(*old, "a/keys/one").ok());
  EXPECT_TRUE(AdmitIn(*old, "a/keys/one").ok());
  EXPECT_EQ(limiter_.size(), 1U);
}

// Two limiters (tests, and nothing else) do not see each other's buckets.
TEST_F(LimiterTest, LimitersAreApart) {
  Show({.a = {1, 1}, .a_one = {}, .a_two = {}, .b = {}});
  Limiter other;
  const catalog::Key& key = *snapshot_->keys.at("tenants/a/keys/one");
  EXPECT_TRUE(Admit("a/keys/one").ok());
  EXPECT_TRUE(other.Admit(*snapshot_, key, kNow).status.ok());
  EXPECT_FALSE(other.Admit(*snapshot_, key, kNow).status.ok());
  EXPECT_FALSE(Admit("a/keys/one").ok());
}

// Two who race for the tenant's last token have both taken one of their key's:
// the loser's is put back.
TEST_F(LimiterTest, WhoLosesARaceForTheTenantsTokenLosesNothing) {
  Show({.a = {1'000'000, 1}, .a_one = {1, 20'000}, .a_two = {1, 20'000}, .b = {}});
  std::atomic<int> one{0};
  std::atomic<int> two{0};
  std::atomic<int> step{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string key = i % 2 == 0 ? "a/keys/one" : "a/keys/two";
      for (int n = 0; n < 10'000; ++n) {
        const absl::Time now = kNow + absl::Microseconds(step++ / 4);
        if (Admit(key, now).ok()) ++(i % 2 == 0 ? one : two);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Show({.a = {}, .a_one = {1, 20'000}, .a_two = {1, 20'000}, .b = {}});
  const absl::Time after = kNow + absl::Milliseconds(500);
  EXPECT_EQ(one + AdmitAll("a/keys/one", 30'000, after), 20'000);
  EXPECT_EQ(two + AdmitAll("a/keys/two", 30'000, after), 20'000);
}

TEST_F(LimiterTest, ThreadsTogetherGetTheQuotaAndNoMore) {
  Show({.a = {1, 5000}, .a_one = {1, 3000}, .a_two = {1, 3000}, .b = {}});
  std::atomic<int> one{0};
  std::atomic<int> two{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      (i % 2 == 0 ? one : two) += AdmitAll(i % 2 == 0 ? "a/keys/one" : "a/keys/two", 4000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(one + two, 5000);
  EXPECT_LE(one, 3000);
  EXPECT_LE(two, 3000);
}

}  // namespace
}  // namespace sealward::quota
