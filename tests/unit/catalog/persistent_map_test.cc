// If this goes, a commit may show in a snapshot that somebody is reading, or lose what
// it did not touch.
#include "server/catalog/persistent_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sealward::catalog {
namespace {

using Numbers = PersistentMap<int>;
using Model = std::map<std::string, int>;

// What iteration shows; the test fails if it shows a key twice.
Model Listed(const Numbers& numbers) {
  Model listed;
  for (const auto& [name, number] : numbers) EXPECT_TRUE(listed.emplace(name, number).second);
  return listed;
}

Numbers Many(int count) {
  Numbers numbers;
  for (int i = 0; i < count; ++i) numbers[absl::StrCat("k", i)] = i;
  return numbers;
}

TEST(PersistentMap, IsEmptyAtFirst) {
  Numbers numbers;
  EXPECT_TRUE(numbers.empty());
  EXPECT_EQ(numbers.begin(), numbers.end());
  EXPECT_EQ(numbers.find("k"), numbers.end());
  EXPECT_EQ(numbers.erase("k"), 0);
}

TEST(PersistentMap, HoldsManyInEachLeaf) {
  const Numbers numbers = Many(20'000);
  EXPECT_EQ(numbers.size(), 20'000);
  EXPECT_EQ(Listed(numbers).size(), 20'000);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(numbers.at(absl::StrCat("k", i)), i);
  EXPECT_FALSE(numbers.contains("k20000"));
}

// An entry that did not change is the very same in both: nothing of it was copied.
TEST(PersistentMap, ACopySharesWhatDidNotChange) {
  const Numbers before = Many(1000);
  Numbers after = before;
  after["k7"] = -7;
  after["new"] = 1;
  after.erase("k8");
  EXPECT_EQ(before.at("k7"), 7);
  EXPECT_EQ(before.at("k8"), 8);
  EXPECT_FALSE(before.contains("new"));
  int moved = 0;
  for (const auto& [name, number] : before) {
    const auto found = after.find(name);
    if (found == after.end() || &found->second != &number) ++moved;
  }
  EXPECT_LT(moved, 30) << "three leaves of some 1000";
}

// The other way round: the copy keeps what the first one changes.
TEST(PersistentMap, AChangeOfTheFirstIsNotTheCopys) {
  Numbers first = Many(100);
  const Numbers copy = first;
  const Model was = Listed(copy);
  for (int i = 0; i < 100; i += 2) first[absl::StrCat("k", i)] = -1;
  for (int i = 1; i < 100; i += 2) first.erase(absl::StrCat("k", i));
  EXPECT_EQ(Listed(copy), was);
  first.clear();
  EXPECT_EQ(Listed(copy), was);
  EXPECT_TRUE(first.empty());
}

// What nobody else has is changed in place: a load would be quadratic otherwise.
TEST(PersistentMap, ChangesInPlaceWhatIsItsOwn) {
  Numbers numbers = Many(1000);
  const int* const seven = &numbers.find("k7")->second;
  numbers["k7"] = -7;
  EXPECT_EQ(&numbers.find("k7")->second, seven);
}

TEST(PersistentMap, FreesWhatNoCopyHas) {
  auto value = std::make_shared<int>(1);
  PersistentMap<std::shared_ptr<int>> map;
  map["k"] = value;
  auto copy = map;
  map.erase("k");
  EXPECT_EQ(value.use_count(), 2);
  copy.clear();
  EXPECT_EQ(value.use_count(), 1);
}

// Against std::map, with copies that live on: none may ever change again.
RC_GTEST_PROP(PersistentMapProperties, BehavesAsStdMap, ()) {
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 10), rc::gen::inRange(0, 40)));
  Numbers numbers;
  Model model;
  std::vector<std::pair<Numbers, Model>> copies;
  for (const auto& [what, which] : steps) {
    const std::string key = absl::StrCat("k", which);
    if (what < 6) {
      numbers[key] = what;
      model[key] = what;
    } else if (what < 9) {
      RC_ASSERT(numbers.erase(key) == model.erase(key));
    } else {
      copies.emplace_back(numbers, model);
    }
    RC_ASSERT(numbers.contains(key) == model.contains(key));
    RC_ASSERT(numbers.size() == model.size());
  }
  RC_ASSERT(Listed(numbers) == model);
  for (const auto& [copy, was] : copies) RC_ASSERT(Listed(copy) == was);
}

}  // namespace
}  // namespace sealward::catalog
