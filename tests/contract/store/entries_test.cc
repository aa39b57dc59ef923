// Entries: reading, writing, conditions, listings, limits.
#include <gmock/gmock.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "tests/contract/store/contract.h"

namespace sealward::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_P(StoreContract, EmptyStoreHasNothing) {
  EXPECT_EQ(*store().Revision(), 0);
  EXPECT_EQ(Value("a"), "(none)");
  EXPECT_THAT(Keys(""), IsEmpty());
}

// Revisions are what conditions, watches and etags are made of.
TEST_P(StoreContract, EntriesCarryTheRevisionsOfTheirTransactions) {
  EXPECT_EQ(Put("a", "1"), 1);
  EXPECT_EQ(Put("b", "2"), 2);
  EXPECT_EQ(Put("a", "3"), 3);
  const auto entry = store().Get("a");
  ASSERT_TRUE(entry.ok() && *entry);
  EXPECT_EQ((*entry)->key, "a");
  EXPECT_EQ((*entry)->value, "3");
  EXPECT_EQ((*entry)->create_revision, 1);
  EXPECT_EQ((*entry)->mod_revision, 3);
  EXPECT_EQ(*store().Revision(), 3);
}

TEST_P(StoreContract, DeletedKeyStartsAnew) {
  Put("a", "1");
  EXPECT_EQ(Delete("a"), 2);
  EXPECT_EQ(Value("a"), "(none)");
  Put("a", "2");
  const auto entry = store().Get("a");
  ASSERT_TRUE(entry.ok() && *entry);
  EXPECT_EQ((*entry)->create_revision, 3);
}

// A revision that is spent on nothing would wake every watch for nothing.
TEST_P(StoreContract, ChangingNothingKeepsTheRevision) {
  Put("a", "1");
  EXPECT_EQ(Delete("b"), 1);
  EXPECT_EQ(*store().Commit({{{"a", 1}}, {}}), 1);
  EXPECT_EQ(*store().Revision(), 1);
}

TEST_P(StoreContract, ValuesAreBytes) {
  const std::string all = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
  }();
  Put("bytes", all);
  Put("empty", "");
  Put(all, "x");
  EXPECT_EQ(Value("bytes"), all);
  EXPECT_EQ(Value("empty"), "");
  EXPECT_EQ(Value(all), "x");
  Reopen();
  EXPECT_EQ(Value("bytes"), all);
  EXPECT_EQ(Value("empty"), "");
}

// Compare-and-set is the only thing that keeps two callers from overwriting each other.
TEST_P(StoreContract, ConditionsDecide) {
  ASSERT_TRUE(store().Commit({{{"a", 0}}, {{"a", "1"}}}).ok());
  const auto again = store().Commit({{{"a", 0}}, {{"a", "2"}}});
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(again.status()), "STORE_CONFLICT");
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("\"a\""));

  ASSERT_TRUE(store().Commit({{{"a", 1}}, {{"a", "3"}}}).ok());
  EXPECT_EQ(store().Commit({{{"a", 1}}, {{"a", "4"}}}).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(store().Commit({{{"b", 7}}, {{"b", "5"}}}).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Value("a"), "3");
  EXPECT_EQ(Value("b"), "(none)");
  EXPECT_EQ(*store().Revision(), 2);
}

// A condition on a key that is gone must not hold by its old revision.
TEST_P(StoreContract, DeletedKeyHasRevisionZero) {
  Put("a", "1");
  Delete("a");
  EXPECT_EQ(store().Commit({{{"a", 1}}, {{"a", "2"}}}).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(store().Commit({{{"a", 0}}, {{"a", "3"}}}).ok());
}

TEST_P(StoreContract, TransactionsAreWholeOrNothing) {
  Put("a", "1");
  const auto failed = store().Commit(
      {{{"a", 1}, {"b", 0}, {"c", 9}}, {{"a", "2"}, {"b", "2"}, {"c", "2"}, {"d", "2"}}});
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(failed.status().message()), HasSubstr("\"c\""));
  EXPECT_THAT(Keys(""), ElementsAre("a"));
  EXPECT_EQ(Value("a"), "1");

  const auto done = store().Commit({{{"a", 1}}, {{"a", std::nullopt}, {"b", "2"}, {"c", "2"}}});
  ASSERT_TRUE(done.ok());
  EXPECT_THAT(Keys(""), ElementsAre("b", "c"));
  EXPECT_EQ(ModRevision("b"), *done);
  EXPECT_EQ(ModRevision("c"), *done);
}

TEST_P(StoreContract, ListsInByteOrderWithinThePrefix) {
  for (const char* key : {"k/b", "k/a-1", "k/a", "k/a/x", "j", "k", "l", "k/\xff"}) Put(key, "");
  EXPECT_THAT(Keys("k/"), ElementsAre("k/a", "k/a-1", "k/a/x", "k/b", "k/\xff"));
  EXPECT_THAT(Keys("k/a"), ElementsAre("k/a", "k/a-1", "k/a/x"));
  EXPECT_THAT(Keys("k/c"), IsEmpty());
  EXPECT_EQ(Keys("").size(), 8U);
}

// The end of a prefix is found by counting its last byte up, which 0xff does not allow.
TEST_P(StoreContract, PrefixesOfHighBytes) {
  const std::string high(3, '\xff');
  for (const std::string& key :
       {std::string("a"), std::string("a\xff"), std::string("a\xff\xff"),
        std::string("a\xff"
                    "b"),
        std::string("b"), high, high + "x", high + '\xff', std::string(kMaxKeyBytes, '\xff')}) {
    Put(key, "");
  }
  EXPECT_THAT(Keys("a\xff"), ElementsAre("a\xff",
                                         "a\xff"
                                         "b",
                                         "a\xff\xff"));
  EXPECT_THAT(Keys("a\xff\xff"), ElementsAre("a\xff\xff"));
  EXPECT_THAT(Keys(high),
              ElementsAre(high, high + "x", high + '\xff', std::string(kMaxKeyBytes, '\xff')));
  EXPECT_THAT(Keys(std::string(kMaxKeyBytes, '\xff')),
              ElementsAre(std::string(kMaxKeyBytes, '\xff')));
}

TEST_P(StoreContract, ZeroBytesInKeys) {
  const std::string zero("a\0", 2);
  for (const std::string& key : {std::string("a"), zero, zero + "b", std::string("aa")})
    Put(key, "");
  EXPECT_THAT(Keys("a"), ElementsAre("a", zero, zero + "b", "aa"));
  EXPECT_THAT(Keys(zero), ElementsAre(zero, zero + "b"));
  EXPECT_THAT(Keys("a", "a"), ElementsAre(zero, zero + "b", "aa"));
}

TEST_P(StoreContract, ListsPageByPage) {
  for (int i = 0; i < 25; ++i) Put(absl::StrCat("p/", 100 + i), "");
  Put("q", "");
  std::vector<std::string> all;
  std::string last;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const auto page = store().List("p/", last, 10);
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(page->revision, 26);
    for (const Entry& entry : page->entries) all.push_back(entry.key);
    more = page->more;
    last = all.back();
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(all.size(), 25U);
  EXPECT_TRUE(std::ranges::is_sorted(all));
}

// "more" on a page that ends exactly at the last entry would cost an empty page.
TEST_P(StoreContract, LastPageSaysSo) {
  for (const char* key : {"a", "b"}) Put(key, "");
  EXPECT_FALSE(store().List("", "", 2)->more);
  EXPECT_TRUE(store().List("", "", 1)->more);
  EXPECT_FALSE(store().List("", "a", 1)->more);
}

TEST_P(StoreContract, StartAfterOutsideThePrefix) {
  for (const char* key : {"a/1", "b/1", "b/2", "c/1"}) Put(key, "");
  EXPECT_THAT(Keys("b/", "a/1"), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(Keys("b/", "b/1"), ElementsAre("b/2"));
  EXPECT_THAT(Keys("b/", "b/15"), ElementsAre("b/2"));
  EXPECT_THAT(Keys("b/", "c/1"), IsEmpty());
}

TEST_P(StoreContract, LimitsAreInvalidArguments) {
  const auto invalid = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ErrorReason(status), "STORE_LIMIT");
  };
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  invalid(store().Get("").status());
  invalid(store().Get(long_key).status());
  invalid(store().List(long_key, "", 1).status());
  invalid(store().List("", "", 0).status());
  invalid(store().List("", "", kMaxListLimit + 1).status());
  invalid(store().Commit({{}, {{"", "v"}}}).status());
  invalid(store().Commit({{}, {{long_key, "v"}}}).status());
  invalid(store().Commit({{{"", 0}}, {}}).status());
  invalid(store().Commit({{}, {{"k", std::string(kMaxValueBytes + 1, 'v')}}}).status());
  invalid(store().Commit({{}, {{"k", "1"}, {"k", "2"}}}).status());
  invalid(store().WatchPrefix(long_key, 0).status());
  invalid(store().WatchPrefix("", -1).status());
  Transaction big;
  for (size_t i = 0; i <= kMaxTransactionOperations; ++i) {
    big.operations.push_back({absl::StrCat("k", i), "v"});
  }
  invalid(store().Commit(big).status());
  EXPECT_EQ(*store().Revision(), 0);
}

TEST_P(StoreContract, WhatIsAtTheLimitsWorks) {
  const std::string key(kMaxKeyBytes, 'k');
  const std::string value(kMaxValueBytes, 'v');
  Put(key, value);
  EXPECT_EQ(Value(key), value);
  Transaction full;
  for (size_t i = 0; i < kMaxTransactionOperations; ++i) {
    full.operations.push_back({absl::StrCat("k", i), "v"});
    full.compares.push_back({absl::StrCat("k", i), 0});
  }
  EXPECT_TRUE(store().Commit(full).ok());
  EXPECT_EQ(Keys("k", "", kMaxListLimit).size(), kMaxTransactionOperations + 1);
}

}  // namespace
}  // namespace sealward::store
