#include "tests/contract/store/contract.h"

#include "absl/strings/str_cat.h"

namespace sealward::store {

void StoreContract::SetUp() {
  engine_ = GetParam().fresh();
  ASSERT_NE(engine_, nullptr);
  Reopen();
}

void StoreContract::Reopen() {
  store_ = nullptr;
  auto opened = engine_->Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  store_ = *std::move(opened);
}

int64_t StoreContract::Put(const std::string& key, const std::string& value) {
  const auto revision = store_->Commit({{}, {{key, value}}});
  EXPECT_TRUE(revision.ok()) << revision.status();
  return revision.value_or(0);
}

int64_t StoreContract::Delete(const std::string& key) {
  const auto revision = store_->Commit({{}, {{key, std::nullopt}}});
  EXPECT_TRUE(revision.ok()) << revision.status();
  return revision.value_or(0);
}

std::string StoreContract::Value(const std::string& key) {
  const auto entry = store_->Get(key);
  if (!entry.ok()) return entry.status().ToString();
  return *entry ? (*entry)->value : "(none)";
}

int64_t StoreContract::ModRevision(const std::string& key) {
  const auto entry = store_->Get(key);
  return entry.ok() && *entry ? (*entry)->mod_revision : 0;
}

std::vector<std::string> StoreContract::Keys(absl::string_view prefix,
                                             absl::string_view start_after, int limit) {
  std::vector<std::string> keys;
  const auto page = store_->List(prefix, start_after, limit);
  EXPECT_TRUE(page.ok()) << page.status();
  if (!page.ok()) return keys;
  for (const Entry& entry : page->entries) keys.push_back(entry.key);
  return keys;
}

std::vector<std::string> StoreContract::DrainWatch(Watch& watch) {
  std::vector<std::string> seen;
  for (;;) {
    const auto events = watch.Poll(absl::ZeroDuration());
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok() || events->empty()) return seen;
    for (const Event& event : *events) {
      seen.push_back(
          absl::StrCat(event.key, "=", event.value.value_or("(none)"), "@", event.mod_revision));
    }
  }
}

}  // namespace sealward::store
