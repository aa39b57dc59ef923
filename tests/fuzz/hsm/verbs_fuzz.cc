// Sequences of verbs as a hijacked server might send them, on a real partition: SoftHSM2,
// key store, marks, disposal, epoch, behind the real dispatch. Three bytes an operation.
// Whatever the order, each operation has one answer, a signature verifies with the public
// key that was given out, and what was revoked or destroyed signs no more.
#include <google/protobuf/stubs/logging.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/contract/hsm/local_partition.h"
#include "tests/fakes/manual_clock.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#ifdef SEALWARD_SANITIZED
// SoftHSM2 2.6.1 leaks 37 bytes in each C_SignInit of an Ed25519 key, below frames that the
// quick unwinder does not get past, so that no suppression can name it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace sealward::hsm_test {
namespace {

using hsm::v1::Operation;

constexpr size_t kMaxOperations = 24;
constexpr int kObjects = 4;
// Objects made on one partition before the next input gets a new one.
constexpr int kMaxGenerated = 200;

// World is a partition and what a server would know of it.
class World {
 public:
  explicit World(const fakes::ManualClock& clock) : partition_(clock) {}

  void Step(uint8_t verb, uint8_t which, uint8_t detail) {
    const int n = which % kObjects;
    // Every eighth reference names another key than the object's own.
    const auto ref = Ref(Id(base_ + n), which >= 224 ? "tenants/other/keys/x" : "tenants/a/keys/k");
    const Operation operation = Make(verb, ref, n, detail);
    Judge(operation, partition_.CallOne(operation), base_ + n, which >= 224);
  }

  // Other ids from here on: each input begins with objects that are not there.
  void Forget() {
    base_ += kObjects;
    keys_.clear();
    dead_.clear();
  }
  bool full() const { return generated_ > kMaxGenerated || base_ > 240; }

 private:
  Operation Make(uint8_t verb, const hsm::v1::ObjectRef& ref, int n, uint8_t detail) {
    Operation operation;
    switch (verb % 12) {
      case 0:
        return GenerateOp(ref, detail % 2 == 0 ? v1::ALGORITHM_ES256 : v1::ALGORITHM_EDDSA_ED25519);
      case 1:
      case 2:
        return SignOp(ref, InputFor(base_ + n, detail));
      case 3:
        return GetOp(ref);
      case 4:
        return ForgetOp(ref.object_id());
      case 5:
        *operation.mutable_schedule_destroy()->mutable_object() = ref;
        operation.mutable_schedule_destroy()->set_destroy_time_us(detail * 1'000'000'000'000'000);
        break;
      case 6:
        *operation.mutable_destroy()->mutable_object() = ref;
        break;
      case 7:
        *operation.mutable_cancel_destroy()->mutable_object() = ref;
        break;
      case 8:
        *operation.mutable_revoke()->mutable_object() = ref;
        operation.mutable_revoke()->set_revoke_time_us(detail);
        break;
      case 9:
        operation.mutable_list_marks()->set_limit(detail);
        break;
      case 10:
        return ListOp(ref.object_id(), detail);
      default:
        operation.mutable_advance_epoch()->mutable_epoch()->set_lineage(std::string(16, 'l'));
        operation.mutable_advance_epoch()->mutable_epoch()->set_revision(detail);
    }
    return operation;
  }

  std::string InputFor(int id, uint8_t detail) {
    const auto key = keys_.find(id);
    if (key == keys_.end() || detail < 16) {
      return SigningInput(R"({"alg":"ES256","kid":"x","typ":"JWT"})");
    }
    return SigningInputFor(key->second);
  }

  void Judge(const Operation& operation, const hsm::v1::Result& result, int id, bool other) {
    if (operation.has_generate() && result.code() == 0) {
      // What is made again is what was there.
      const auto [at, is_new] = keys_.try_emplace(id, result.public_key());
      if (!is_new && at->second.spki() != result.public_key().spki()) abort();
      if (is_new) ++generated_;
    }
    if (operation.has_revoke() && result.code() == 0) dead_.insert(id);
    if (operation.has_destroy() && result.code() == 0) dead_.insert(id);
    if (result.has_signature()) {
      if (other || dead_.contains(id) || !keys_.contains(id)) abort();
      if (!Verifies(keys_[id], operation.sign_jws().signing_input(),
                    result.signature().signature())) {
        abort();
      }
    }
  }

  LocalPartition partition_;
  int base_ = 0;
  int generated_ = 0;
  std::map<int, hsm::v1::PublicKey> keys_;
  std::set<int> dead_;
};

std::unique_ptr<World> world;

// A world that takes more inputs. The last is ended before the module's own statics, which
// were made after ours.
World& Current() {
  static const fakes::ManualClock clock;
  if (world != nullptr && !world->full()) return *world;
  world.reset();
  world = std::make_unique<World>(clock);
  static const int registered = std::atexit([] { world.reset(); });
  if (registered != 0) abort();
  return *world;
}

void Play(const uint8_t* data, size_t size) {
  World& current = Current();
  for (size_t at = 0; at + 3 <= size && at < 3 * kMaxOperations; at += 3) {
    current.Step(data[at], data[at + 1], data[at + 2]);
  }
  current.Forget();
}

}  // namespace
}  // namespace sealward::hsm_test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);
  sealward::hsm_test::Play(data, size);
  return 0;
}
