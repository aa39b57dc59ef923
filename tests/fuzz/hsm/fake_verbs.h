// Verbs without a partition: enough behaviour to fuzz and to test dispatch.
#ifndef SEALWARD_TESTS_FUZZ_HSM_FAKE_VERBS_H_
#define SEALWARD_TESTS_FUZZ_HSM_FAKE_VERBS_H_

#include <cstdint>
#include <map>
#include <string>

#include "common/errors.h"
#include "common/signature_input.h"
#include "hsm/header_check.h"
#include "hsm/object_label.h"
#include "hsm/verbs.h"

namespace sealward::hsm {

// FakeVerbs keeps "keys" in a map. Its header check is the real one, for the kid
// "fake" and ES256; its signatures are a constant.
class FakeVerbs : public Verbs {
 public:
  absl::Status SignJws(const v1::SignJws& request, v1::Signature& out) override {
    ++calls;
    if (!keys_.contains(request.object().object_id())) return absl::NotFoundError("no such key");
    if (absl::Status s = header_.Check(request.signing_input()); !s.ok()) return s;
    out.set_signature(std::string(64, 's'));
    out.set_object_counter(++signatures_);
    return absl::OkStatus();
  }

  absl::Status SignRaw(const v1::SignRaw& request, v1::Signature& out) override {
    ++calls;
    if (!keys_.contains(request.object().object_id())) return absl::NotFoundError("no such key");
    const SignatureInput input{.data = request.digest(), .is_digest = request.has_digest()};
    if (absl::Status s = CheckSignatureInput(input, *FindAlgorithmByName("PS256-2048")); !s.ok()) {
      return s;
    }
    out.set_signature(std::string(256, 's'));
    out.set_object_counter(++signatures_);
    return absl::OkStatus();
  }

  absl::Status Generate(const v1::Generate& request, v1::PublicKey& out) override {
    ++calls;
    if (!ToObjectId(request.object().object_id()) || !ObjectLabel::FromRef(request.object())) {
      return absl::InvalidArgumentError("an invalid reference");
    }
    v1::PublicKey& key = keys_[request.object().object_id()];
    out.set_existed(key.has_object());
    *key.mutable_object() = request.object();
    key.set_spki(std::string(550, 'k'));
    *out.mutable_object() = key.object();
    out.set_spki(key.spki());
    return absl::OkStatus();
  }

  absl::Status GetPublicKey(const v1::GetPublicKey& request, v1::PublicKey& out) override {
    ++calls;
    const auto key = keys_.find(request.object().object_id());
    if (key == keys_.end()) return absl::NotFoundError("no such key");
    out = key->second;
    return absl::OkStatus();
  }

  absl::Status Forget(const v1::Forget&) override {
    ++calls;
    return absl::OkStatus();
  }

  absl::Status List(const v1::List& request, size_t room_bytes, v1::ObjectList& out) override {
    ++calls;
    last_room_bytes = room_bytes;
    for (auto key = keys_.upper_bound(request.after_object_id()); key != keys_.end(); ++key) {
      const size_t size = key->second.ByteSizeLong() + 8;
      if (static_cast<uint32_t>(out.objects_size()) == request.limit() || size > room_bytes) {
        out.set_more(true);
        break;
      }
      room_bytes -= size;
      *out.add_objects() = key->second;
    }
    return absl::OkStatus();
  }

  absl::Status Describe(v1::Description& out) override {
    ++calls;
    out.set_label("fake");
    return absl::OkStatus();
  }

  absl::Status CheckHealth() override {
    ++calls;
    return absl::UnavailableError(std::string(2000, 'e'));
  }

  absl::Status ScheduleDestroy(const v1::ScheduleDestroy& request) override {
    return Leave(request.object(), v1::Mark::KIND_DESTROY_SCHEDULED, request.destroy_time_us());
  }

  absl::Status Destroy(const v1::Destroy& request) override {
    keys_.erase(request.object().object_id());
    return Leave(request.object(), v1::Mark::KIND_DESTROYED, 0);
  }

  absl::Status CancelDestroy(const v1::CancelDestroy& request) override {
    ++calls;
    marks_.erase(request.object().object_id());
    return absl::OkStatus();
  }

  absl::Status Revoke(const v1::Revoke& request) override {
    return Leave(request.object(), v1::Mark::KIND_REVOKED, request.revoke_time_us());
  }

  absl::Status ListMarks(const v1::ListMarks& request, size_t room_bytes,
                         v1::MarkList& out) override {
    ++calls;
    last_room_bytes = room_bytes;
    for (auto mark = marks_.upper_bound(request.after_object_id()); mark != marks_.end(); ++mark) {
      const size_t size = mark->second.ByteSizeLong() + 8;
      if (static_cast<uint32_t>(out.marks_size()) == request.limit() || size > room_bytes) {
        out.set_more(true);
        break;
      }
      room_bytes -= size;
      *out.add_marks() = mark->second;
    }
    return absl::OkStatus();
  }

  absl::Status ReadEpoch(v1::Epoch& out) override {
    ++calls;
    out = epoch_;
    return absl::OkStatus();
  }

  absl::Status AdvanceEpoch(const v1::AdvanceEpoch& request, v1::Epoch& out) override {
    ++calls;
    epoch_ = request.epoch();
    out = epoch_;
    return absl::OkStatus();
  }

  int calls = 0;
  size_t last_room_bytes = 0;

 private:
  absl::Status Leave(const v1::ObjectRef& object, v1::Mark::Kind kind, int64_t time_us) {
    ++calls;
    if (!ToObjectId(object.object_id())) {
      return MakeError(absl::StatusCode::kInvalidArgument, "OBJECT_REF_INVALID", "no object id");
    }
    v1::Mark& mark = marks_[object.object_id()];
    mark.set_object_id(object.object_id());
    mark.set_key(object.key());
    mark.set_kind(kind);
    mark.set_time_us(time_us);
    return absl::OkStatus();
  }

  HeaderCheck header_{"ES256", "fake"};
  std::map<std::string, v1::PublicKey> keys_;
  std::map<std::string, v1::Mark> marks_;
  v1::Epoch epoch_;
  uint64_t signatures_ = 0;
};

}  // namespace sealward::hsm

#endif  // SEALWARD_TESTS_FUZZ_HSM_FAKE_VERBS_H_
