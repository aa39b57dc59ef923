// Creating and rotating keys. If these break, a crash loses a key or makes two,
// or a rotation signs before the caches know.
#include "server/lifecycle/key_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/algorithms.h"
#include "common/errors.h"
#include "common/jwk.h"
#include "tests/fakes/key_rig.h"

namespace sealward::lifecycle {
namespace {

using fakes::KeyRig;
using fakes::kKey;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto kAlways = [](const catalog::Key&) { return true; };
constexpr auto kNever = [](const catalog::Key&) { return false; };

class KeyManagerTest : public testing::Test {
 protected:
  KeyManagerTest() { rig_.AddTenantAndIssuer(); }

  void Create() {
    const auto key = rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture());
    ASSERT_TRUE(key.ok()) << key.status();
  }
  // A key whose successor is STANDBY.
  void CreateWithStandby() {
    Create();
    ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
    rig_.clock.Advance(fakes::kPropagation);
    ASSERT_EQ(rig_.States(), "ACTIVE STANDBY");
  }
  absl::StatusOr<Rotation> Rotate() {
    return rig_.manager->RotateKey(kKey, kAlways, absl::InfiniteFuture());
  }

  void ChangeAlgorithm() {
    const auto other = [](const catalog::Key& seen, const KeyCourse&,
                          absl::Time now) -> absl::StatusOr<catalog::Key> {
      return WithAlgorithm(seen, *FindAlgorithm(v1::ALGORITHM_EDDSA_ED25519), now);
    };
    const auto changed = rig_.manager->ChangeKey(kKey, kAlways, other, absl::InfiniteFuture(),
                                                 [](store::Transaction&) {});
    ASSERT_TRUE(changed.ok()) << changed.status();
  }

  KeyRig rig_;
};

TEST_F(KeyManagerTest, TheFirstKeyOfAnIssuerSignsAtOnce) {
  Create();
  EXPECT_EQ(rig_.States(), "ACTIVE");
  const auto key = rig_.Key();
  const auto& version = *key->versions[0];
  const auto jwk = JwkFromSpki(*version.algorithm, version.spki);
  ASSERT_TRUE(jwk.ok());
  EXPECT_EQ(jwk->kid(), version.jwk.kid());
  EXPECT_EQ(key->issuer->first_publish_time, rig_.clock.Now());
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
}

// Caches hold the other key's JWKS: a new key must not sign before they refetch.
TEST_F(KeyManagerTest, TheSecondKeyOfAnIssuerWaitsForTheCaches) {
  rig_.AddIssuer("tenants/a/issuers/shared", true);
  const auto create = [this](const char* name) {
    return rig_.manager->CreateKey(KeyRig::NewKey(name, "tenants/a/issuers/shared"),
                                   absl::InfiniteFuture());
  };
  ASSERT_TRUE(create("tenants/a/keys/one").ok());
  ASSERT_TRUE(create("tenants/a/keys/two").ok());
  EXPECT_EQ(rig_.States("tenants/a/keys/one"), "ACTIVE");
  EXPECT_EQ(rig_.States("tenants/a/keys/two"), "STAGED");
  rig_.clock.Advance(fakes::kPropagation);
  EXPECT_EQ(rig_.States("tenants/a/keys/two"), "ACTIVE");
}

// Validators ignore what is beyond their bound, or refuse the whole JWKS.
TEST_F(KeyManagerTest, TwoKeysDoNotTakeTheLastPlaceOfAJwks) {
  for (int round = 0; round < 8; ++round) {
    const std::string suffix = std::to_string(round);
    const std::string issuer = "tenants/a/issuers/shared" + suffix;
    rig_.AddIssuer(issuer, /*shared=*/true, /*max_jwks_keys=*/3);
    const std::vector<std::string> names = {"tenants/a/keys/one" + suffix,
                                            "tenants/a/keys/two" + suffix};
    for (const std::string& name : names) {
      ASSERT_TRUE(
          rig_.manager->CreateKey(KeyRig::NewKey(name, issuer), absl::InfiniteFuture()).ok());
    }
    rig_.clock.Advance(fakes::kPropagation);  // both sign
    std::array<absl::Status, 2> rotated;
    std::vector<std::thread> threads;
    threads.reserve(names.size());
    for (size_t i = 0; i < names.size(); ++i) {
      threads.emplace_back([&, i] {
        rotated[i] = rig_.manager->RotateKey(names[i], kAlways, absl::InfiniteFuture()).status();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(rotated[0].ok(), rotated[1].ok()) << rotated[0] << ", " << rotated[1];
    EXPECT_EQ(ErrorReason(rotated[rotated[0].ok() ? 1 : 0]), "JWKS_FULL");
    EXPECT_EQ(rig_.Key(names[0])->versions.size() + rig_.Key(names[1])->versions.size(), 3U);
    const auto third = rig_.manager->CreateKey(KeyRig::NewKey("tenants/a/keys/three", issuer),
                                               absl::InfiniteFuture());
    EXPECT_EQ(ErrorReason(third.status()), "JWKS_FULL");
  }
}

TEST_F(KeyManagerTest, RefusesWhatCannotBe) {
  NewKey unknown_issuer = KeyRig::NewKey();
  unknown_issuer.issuer = "tenants/a/issuers/none";
  EXPECT_EQ(ErrorReason(rig_.manager->CheckCreateKey(unknown_issuer)), "SCOPE_INVALID");
  rig_.partition.SetAlgorithms({v1::ALGORITHM_RS256_2048});
  EXPECT_EQ(ErrorReason(rig_.manager->CheckCreateKey(KeyRig::NewKey())), "ALGORITHM_UNAVAILABLE");
  rig_.partition.SetAlgorithms({});
  const absl::Status unavailable = rig_.manager->CheckCreateKey(KeyRig::NewKey());
  EXPECT_EQ(ErrorReason(unavailable), "HSM_UNAVAILABLE");
  EXPECT_GT(RetryDelay(unavailable), absl::ZeroDuration());
  rig_.partition.SetAlgorithms({v1::ALGORITHM_ES256});
  EXPECT_TRUE(rig_.manager->CheckCreateKey(KeyRig::NewKey()).ok());
  Create();
  EXPECT_EQ(ErrorReason(rig_.manager->CheckCreateKey(KeyRig::NewKey())), "ALREADY_EXISTS");
  EXPECT_EQ(ErrorReason(rig_.manager->CheckCreateKey(KeyRig::NewKey("tenants/a/keys/two"))),
            "ISSUER_NOT_SHARED");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
}

// What the HSM refuses, and what it makes so that it may not be used, is told as such: an
// operator who reads INTERNAL looks for a fault of the service. The key stays, to be asked for
// again.
TEST_F(KeyManagerTest, AKeyThatTheHsmRefusesIsNamed) {
  hsm::v1::Result refused;
  refused.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  refused.set_message("secret of the log");
  refused.set_ck_rv(0xd1);
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, refused);
  const absl::Status created =
      rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).status();
  refused.set_reason("KEY_ATTRIBUTES");
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, refused);
  for (const absl::Status& told : {created, rig_.manager->Advance(kKey).status()}) {
    EXPECT_EQ(told.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ErrorReason(told), "KEY_REFUSED");
    EXPECT_THAT(told.message(), AllOf(HasSubstr(kKey), HasSubstr("ES256"), HasSubstr("0xd1"),
                                      Not(HasSubstr("secret"))));
  }
  EXPECT_EQ(rig_.States(), "PENDING");
  // Nor is it a fault of the service that another version of the module has it no more.
  refused.set_reason("ALGORITHM_UNAVAILABLE");
  refused.set_ck_rv(0);
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, refused);
  const absl::Status told = rig_.manager->Advance(kKey).status();
  EXPECT_EQ(ErrorReason(told), "KEY_REFUSED");
  EXPECT_THAT(told.message(), AllOf(HasSubstr("does not offer"), HasSubstr("keys update")));
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE");
}

// The first key of an issuer that is not shared: there is no making another one.
TEST_F(KeyManagerTest, AFirstVersionThatIsGivenUpIsFollowedByOneThatSigns) {
  hsm::v1::Result refused;
  refused.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, refused);
  ASSERT_FALSE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  ChangeAlgorithm();
  EXPECT_EQ(rig_.States(), "WITHDRAWN");
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "WITHDRAWN STAGED");
  rig_.clock.Advance(fakes::kPropagation);
  EXPECT_EQ(rig_.States(), "WITHDRAWN ACTIVE");
}

// The pair comes when another algorithm was asked for: a version that has ended would get a
// kid, and times at which it is published and signs.
TEST_F(KeyManagerTest, AVersionThatIsGivenUpWhileItsPairIsMadeStaysGivenUp) {
  Create();
  rig_.partition.BlockGenerate();
  std::thread rotation([this] { EXPECT_TRUE(Rotate().ok()); });
  rig_.partition.AwaitBlockedGenerate();
  ChangeAlgorithm();
  rig_.partition.Unblock();
  rotation.join();
  EXPECT_EQ(rig_.States(), "ACTIVE WITHDRAWN STAGED");
  EXPECT_TRUE(rig_.Key()->versions[1]->spki.empty());
  EXPECT_EQ(rig_.Key()->versions[1]->times.publish, absl::InfiniteFuture());
  EXPECT_EQ(rig_.Key()->versions[2]->algorithm->algorithm, v1::ALGORITHM_EDDSA_ED25519);
}

TEST_F(KeyManagerTest, ACrashBetweenIntentAndGenerateIsResumed) {
  rig_.partition.SetAvailable(false);
  const auto key = rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture());
  EXPECT_EQ(ErrorReason(key.status()), "HSM_UNAVAILABLE");
  EXPECT_GT(RetryDelay(key.status()), absl::ZeroDuration());
  EXPECT_EQ(rig_.States(), "PENDING");
  const std::string object_id = rig_.Key()->versions[0]->object_id;
  rig_.partition.SetAvailable(true);
  rig_.Restart();
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE");
  EXPECT_EQ(rig_.Key()->versions[0]->object_id, object_id);
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
}

TEST_F(KeyManagerTest, ACrashBetweenGenerateAndCommitMakesNoSecondKeyPair) {
  rig_.partition.LoseAnswersOfGenerate(1);
  EXPECT_FALSE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  EXPECT_EQ(rig_.States(), "PENDING");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
  rig_.Restart();
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
  EXPECT_EQ(rig_.partition.object_count(), 1U);
}

TEST_F(KeyManagerTest, AHsmAnswerThatIsNotTheKeyIsRefused) {
  Create();
  const auto answer = [this](const std::string& id, const std::string& spki) {
    hsm::v1::Result result;
    auto& made = *result.mutable_public_key();
    made.mutable_object()->set_object_id(id);
    made.mutable_object()->set_key(kKey);
    made.set_algorithm(v1::ALGORITHM_ES256);
    made.set_spki(spki);
    rig_.partition.AnswerNextWith(result);
    return ErrorReason(rig_.manager->Advance(kKey).status());
  };
  const std::string known = rig_.Key()->versions[0]->spki;
  EXPECT_EQ(answer("another-object!!", known), "HSM_KEY_INVALID");
  const std::string id = rig_.Key()->versions[1]->object_id;
  EXPECT_EQ(answer(id, "no key"), "HSM_KEY_INVALID");
  EXPECT_EQ(answer(id, known + "x"), "HSM_KEY_INVALID");
  // One key pair under two names would let one key sign as the other.
  EXPECT_EQ(answer(id, known), "HSM_KEY_REPEATED");
  EXPECT_EQ(rig_.States(), "ACTIVE PENDING");
}

TEST_F(KeyManagerTest, AdvanceStagesASuccessorAndThenRests) {
  Create();
  const auto wake = rig_.manager->Advance(kKey);
  ASSERT_TRUE(wake.ok()) << wake.status();
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(*wake, rig_.clock.Now() + fakes::kPropagation);
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 2);
}

TEST_F(KeyManagerTest, RotatesAtOnceToAStandby) {
  CreateWithStandby();
  const absl::Time now = rig_.clock.Now();
  const auto rotation = Rotate();
  ASSERT_TRUE(rotation.ok()) << rotation.status();
  EXPECT_EQ(rotation->at, now);
  EXPECT_FALSE(rotation->already_planned);
  EXPECT_EQ(rotation->predecessor, 0U);
  EXPECT_EQ(rotation->successor, 1U);
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE");
  EXPECT_EQ(rig_.Key()->versions[0]->times.withdraw,
            now + absl::Hours(1) + kClockSkew + kRetireSafety);
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE STAGED");
}

TEST_F(KeyManagerTest, RotatesToAStagedVersionWhenTheCachesHaveIt) {
  Create();
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  const absl::Time at = rig_.clock.Now() + fakes::kPropagation;
  const auto rotation = Rotate();
  ASSERT_TRUE(rotation.ok()) << rotation.status();
  EXPECT_EQ(rotation->at, at);
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  const auto again = Rotate();
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->already_planned);
  EXPECT_EQ(again->at, at);
  EXPECT_EQ(again->successor, rotation->successor);
  rig_.clock.Advance(fakes::kPropagation);
  EXPECT_EQ(rig_.States(), "VERIFY_ONLY ACTIVE");
}

TEST_F(KeyManagerTest, RotateGeneratesASuccessorWhereThereIsNone) {
  Create();
  const auto preview = rig_.manager->PreviewRotation(kKey, kAlways);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(rig_.States(), "ACTIVE");
  EXPECT_EQ(preview->key->versions.back()->number, 2);
  const auto rotation = Rotate();
  ASSERT_TRUE(rotation.ok()) << rotation.status();
  EXPECT_EQ(rotation->at, preview->at);
  EXPECT_EQ(rotation->successor, preview->successor);
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 2);
}

TEST_F(KeyManagerTest, AnOutageInARotationLeavesAnIntentThatTheNextOneUses) {
  Create();
  rig_.partition.LoseAnswersOfGenerate(1);
  EXPECT_EQ(ErrorReason(Rotate().status()), "HSM_UNAVAILABLE");
  EXPECT_EQ(rig_.States(), "ACTIVE PENDING");
  ASSERT_TRUE(Rotate().ok());
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
  EXPECT_EQ(rig_.partition.key_pairs_made(), 2);
}

TEST_F(KeyManagerTest, RotateChecksThePrecondition) {
  CreateWithStandby();
  const auto rotation = rig_.manager->RotateKey(kKey, kNever, absl::InfiniteFuture());
  EXPECT_EQ(rotation.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(rotation.status()), "ETAG_MISMATCH");
  EXPECT_EQ(ErrorReason(rig_.manager->PreviewRotation(kKey, kNever).status()), "ETAG_MISMATCH");
  EXPECT_EQ(rig_.States(), "ACTIVE STANDBY");
}

TEST_F(KeyManagerTest, AKeyThatNeverSignedCannotBeRotated) {
  rig_.partition.SetAvailable(false);
  EXPECT_FALSE(rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture()).ok());
  EXPECT_EQ(ErrorReason(Rotate().status()), "KEY_NOT_READY");
  EXPECT_EQ(ErrorReason(rig_.manager->PreviewRotation(kKey, kAlways).status()), "KEY_NOT_READY");
  EXPECT_EQ(rig_.manager->RotateKey("tenants/a/keys/none", kAlways, absl::InfiniteFuture())
                .status()
                .code(),
            absl::StatusCode::kNotFound);
}

// Of several operators who rotate at once, one plans the switch.
TEST_F(KeyManagerTest, ConcurrentRotationsPlanOneSwitch) {
  constexpr int kCallers = 8;
  Create();
  std::vector<absl::StatusOr<Rotation>> rotations(kCallers, absl::UnknownError("not run"));
  std::vector<std::thread> threads;
  threads.reserve(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([this, &rotations, i] { rotations[static_cast<size_t>(i)] = Rotate(); });
  }
  for (std::thread& thread : threads) thread.join();
  int planned = 0;
  for (const auto& rotation : rotations) {
    ASSERT_TRUE(rotation.ok()) << rotation.status();
    planned += rotation->already_planned ? 0 : 1;
    EXPECT_EQ(rotation->successor, 1U);
  }
  EXPECT_EQ(planned, 1);
  EXPECT_EQ(rig_.Key()->versions.size(), 2U);
  EXPECT_EQ(rig_.partition.key_pairs_made(), 2);
}

// While an RPC generates, the driver keeps away from that key, and asks again soon:
// the RPC reports its change while it still holds the key, so a driver that waited
// for another report would leave the key without successor.
TEST_F(KeyManagerTest, TheDriverLeavesAKeyToWhomeverWorksOnIt) {
  rig_.AddIssuer("tenants/a/issuers/other");
  Create();
  rig_.partition.BlockGenerate();
  std::thread rotation([this] { EXPECT_TRUE(Rotate().ok()); });
  rig_.partition.AwaitBlockedGenerate();
  const auto wake = rig_.manager->Advance(kKey);
  ASSERT_TRUE(wake.ok());
  EXPECT_EQ(*wake, rig_.clock.Now() + kBusyRetryDelay);
  rig_.partition.Unblock();
  rotation.join();
  EXPECT_EQ(rig_.partition.key_pairs_made(), 2);
  EXPECT_EQ(rig_.States(), "ACTIVE STAGED");
}

// Two callers create one key: one wins, and one key pair is made.
TEST_F(KeyManagerTest, ConcurrentCreationsMakeOneKey) {
  constexpr int kCallers = 6;
  std::vector<std::string> reasons(kCallers);
  std::vector<std::thread> threads;
  threads.reserve(kCallers);
  for (size_t i = 0; i < kCallers; ++i) {
    threads.emplace_back([this, &reasons, i] {
      const auto key = rig_.manager->CreateKey(KeyRig::NewKey(), absl::InfiniteFuture());
      reasons[i] = key.ok() ? "OK" : ErrorReason(key.status());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "OK"), 1);
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "ALREADY_EXISTS"), kCallers - 1);
  EXPECT_EQ(rig_.partition.key_pairs_made(), 1);
}

TEST_F(KeyManagerTest, ObjectIdsAreRandom) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(SystemRandomBytes(kObjectIdBytes));
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(ids.begin()->size(), kObjectIdBytes);
}

// What has a tombstone is never generated: a version that asks for that is given up, and
// another one, with another id, takes its place.
TEST_F(KeyManagerTest, AVersionWhoseIdHasATombstoneIsGivenUp) {
  Create();
  hsm::v1::Result tombstone;
  tombstone.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  tombstone.set_reason("TOMBSTONE");
  rig_.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, tombstone);
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE WITHDRAWN");
  EXPECT_TRUE(rig_.Key()->versions[1]->spki.empty());
  rig_.Restart();  // its record can be read
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE WITHDRAWN STAGED");
  EXPECT_NE(rig_.Key()->versions[1]->object_id, rig_.Key()->versions[2]->object_id);
}

// An HSM that is broken makes no endless row of versions.
TEST_F(KeyManagerTest, AfterSomeTombstonesTheVersionWaits) {
  Create();
  hsm::v1::Result tombstone;
  tombstone.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
  tombstone.set_reason("TOMBSTONE");
  absl::Status last;
  for (int i = 0; i < 10; ++i) {
    rig_.partition.AnswerNextOf(hsm::v1::Operation::kGenerate, tombstone);
    last = rig_.manager->Advance(kKey).status();
  }
  EXPECT_EQ(ErrorReason(last), "HSM_REFUSED");
  EXPECT_EQ(rig_.States(), "ACTIVE WITHDRAWN WITHDRAWN WITHDRAWN WITHDRAWN PENDING");
  ASSERT_TRUE(rig_.manager->Advance(kKey).ok());
  EXPECT_EQ(rig_.States(), "ACTIVE WITHDRAWN WITHDRAWN WITHDRAWN WITHDRAWN STAGED");
}

}  // namespace
}  // namespace sealward::lifecycle
