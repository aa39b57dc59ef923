// A partition with an object that no version owns.
#ifndef SEALWARD_TESTS_UNIT_DRIVER_QUARANTINE_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_DRIVER_QUARANTINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "common/errors.h"
#include "server/lifecycle/quarantine.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {

using fakes::kKey;
using hsm::v1::Mark;

inline constexpr char kShared[] = "default";
inline constexpr absl::Duration kDay = absl::Hours(24);
inline constexpr auto kNoMore = [](store::Transaction&) {};

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest() {
    rig_.AddTenantAndIssuer();
    EXPECT_TRUE(rig_.manager->CreateKey(fakes::KeyRig::NewKey(), absl::InfiniteFuture()).ok());
    rig_.partition.AddObject(kStray, kKey);
  }

  QuarantinePage List(size_t limit = 100, const std::string& after = "") {
    const auto page = rig_.quarantine->List(kShared, after, limit, absl::InfiniteFuture());
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *page : QuarantinePage();
  }
  absl::StatusOr<Quarantined> Get(const std::string& id = kStray) {
    return rig_.quarantine->Get({kShared, absl::BytesToHexString(id)}, absl::InfiniteFuture());
  }
  // Why it cannot be adopted; empty if it can.
  std::string Why(const std::string& id = kStray) {
    const auto object = Get(id);
    if (!object.ok()) return object.status().ToString();
    if (object->adoptable.ok()) return "";
    EXPECT_EQ(ErrorReason(object->adoptable), "NOT_ADOPTABLE");
    return std::string(object->adoptable.message());
  }
  absl::StatusOr<int64_t> Adopt(const Quarantined& seen) {
    return rig_.quarantine->Adopt(seen, absl::InfiniteFuture(), kNoMore);
  }
  absl::Status Purge(const std::string& id = kStray) {
    const auto object = Get(id);
    if (!object.ok()) return object.status();
    return rig_.quarantine->Purge(*object, "spiffe://test/admin", kNoMore).status();
  }
  void LeaveMark(const std::string& id, const std::string& key, Mark::Kind kind) {
    hsm::v1::Operation operation;
    hsm::v1::ObjectRef ref;
    ref.set_object_id(id);
    ref.set_key(key);
    ref.set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
    if (kind == Mark::KIND_REVOKED) {
      *operation.mutable_revoke()->mutable_object() = ref;
      operation.mutable_revoke()->set_revoke_time_us(absl::ToUnixMicros(rig_.clock.Now()));
    } else {
      *operation.mutable_schedule_destroy()->mutable_object() = ref;
      operation.mutable_schedule_destroy()->set_destroy_time_us(
          absl::ToUnixMicros(rig_.clock.Now() + 30 * kDay));
    }
    const auto result = rig_.partition.Call(operation, absl::InfiniteFuture());
    ASSERT_TRUE(result.ok() && result->code() == 0) << result->message();
  }
  void Pass() {
    for (int i = 0; i < 4; ++i) rig_.driver->RunPass();
  }
  std::shared_ptr<const catalog::QuarantinedObject> Record(const std::string& id = kStray) {
    const auto snapshot = rig_.catalog->Get();
    const auto found = snapshot->quarantine.find(
        QuarantinedObjectName{kShared, absl::BytesToHexString(id)}.ToString());
    return found == snapshot->quarantine.end() ? nullptr : found->second;
  }

  inline static const std::string kStray = std::string(kObjectIdBytes, 'q');
  fakes::KeyRig rig_;
};

}  // namespace sealward::lifecycle

#endif  // SEALWARD_TESTS_UNIT_DRIVER_QUARANTINE_FIXTURE_H_
