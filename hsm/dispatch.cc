#include "hsm/dispatch.h"

#include <google/protobuf/message.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/errors.h"
#include "common/packet_socket.h"
#include "hsm/object_label.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

constexpr size_t kArenaBlockBytes = 64 * 1024;
// More than an arena's own records in its first block, which it does not count as used.
constexpr size_t kArenaHeaderBytes = 1024;
// What a result takes up besides its value: an error and the framing.
constexpr size_t kResultReserveBytes = kMaxErrorMessageBytes + kMaxErrorReasonBytes + 64;

google::protobuf::ArenaOptions OptionsFor(std::vector<char>& block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  return options;
}

absl::Status Violation(absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("protocol violation: ", message));
}

bool HasUnknown(const google::protobuf::Message& message) {
  return !message.GetReflection()->GetUnknownFields(message).empty();
}

absl::Status CheckId(const std::string& id) {
  return id.size() > kObjectIdBytes ? Violation("an object id is too long") : absl::OkStatus();
}

absl::Status CheckRef(const v1::ObjectRef& ref) {
  if (HasUnknown(ref)) return Violation("an unknown field in an object reference");
  if (ref.key().size() > kMaxKeyNameBytes) return Violation("a key name is too long");
  return CheckId(ref.object_id());
}

// One overload a verb: its unknown fields and caps.
absl::Status CheckVerb(const v1::SignJws& verb) {
  if (HasUnknown(verb)) return Violation("an unknown field in sign_jws");
  if (verb.signing_input().size() > kMaxOperationDataBytes) {
    return Violation("a signing input is too long");
  }
  return CheckRef(verb.object());
}
absl::Status CheckVerb(const v1::SignRaw& verb) {
  if (HasUnknown(verb)) return Violation("an unknown field in sign_raw");
  if (verb.message().size() > kMaxOperationDataBytes) return Violation("a message is too long");
  if (verb.digest().size() > kMaxHashBytes) return Violation("a digest is too long");
  return CheckRef(verb.object());
}
absl::Status CheckVerb(const v1::Forget& verb) {
  return HasUnknown(verb) ? Violation("an unknown field in forget") : CheckId(verb.object_id());
}
absl::Status CheckVerb(const v1::AdvanceEpoch& verb) {
  if (HasUnknown(verb) || HasUnknown(verb.epoch())) {
    return Violation("an unknown field in advance_epoch");
  }
  return verb.epoch().lineage().size() > kLineageBytes || verb.recover().size() > kLineageBytes
             ? Violation("a lineage is too long")
             : absl::OkStatus();
}

// A verb that has an object and nothing else that could be too long.
template <typename Verb>
absl::Status CheckObjectVerb(const Verb& verb) {
  return HasUnknown(verb) ? Violation("an unknown field in a verb") : CheckRef(verb.object());
}

// A verb that asks for a page.
template <typename Verb>
absl::Status CheckPageVerb(const Verb& verb) {
  if (HasUnknown(verb)) return Violation("an unknown field in a list verb");
  if (verb.limit() > kMaxListLimit) return Violation("a page that is too long");
  return CheckId(verb.after_object_id());
}

// A verb without arguments.
template <typename Verb>
absl::Status CheckEmptyVerb(const Verb& verb) {
  return HasUnknown(verb) ? Violation("an unknown field in an empty verb") : absl::OkStatus();
}

absl::Status CheckOperation(const v1::Operation& operation) {
  if (HasUnknown(operation)) return Violation("an unknown verb");
  switch (operation.verb_case()) {
    case v1::Operation::kSignJws:
      return CheckVerb(operation.sign_jws());
    case v1::Operation::kSignRaw:
      return CheckVerb(operation.sign_raw());
    case v1::Operation::kGenerate:
      return CheckObjectVerb(operation.generate());
    case v1::Operation::kGetPublicKey:
      return CheckObjectVerb(operation.get_public_key());
    case v1::Operation::kForget:
      return CheckVerb(operation.forget());
    case v1::Operation::kList:
      return CheckPageVerb(operation.list());
    case v1::Operation::kDescribe:
      return CheckEmptyVerb(operation.describe());
    case v1::Operation::kCheckHealth:
      return CheckEmptyVerb(operation.check_health());
    case v1::Operation::kScheduleDestroy:
      return CheckObjectVerb(operation.schedule_destroy());
    case v1::Operation::kDestroy:
      return CheckObjectVerb(operation.destroy());
    case v1::Operation::kCancelDestroy:
      return CheckObjectVerb(operation.cancel_destroy());
    case v1::Operation::kRevoke:
      return CheckObjectVerb(operation.revoke());
    case v1::Operation::kListMarks:
      return CheckPageVerb(operation.list_marks());
    case v1::Operation::kReadEpoch:
      return CheckEmptyVerb(operation.read_epoch());
    case v1::Operation::kAdvanceEpoch:
      return CheckVerb(operation.advance_epoch());
    case v1::Operation::VERB_NOT_SET:
      break;
  }
  return Violation("an operation without a verb");
}

bool Signs(const v1::Operation& operation) {
  return operation.has_sign_jws() || operation.has_sign_raw();
}

void SetError(const absl::Status& status, v1::Result& result) {
  result.clear_value();
  result.set_code(static_cast<int>(status.code()));
  result.set_message(std::string(status.message().substr(0, kMaxErrorMessageBytes)));
  result.set_reason(ErrorReason(status).substr(0, kMaxErrorReasonBytes));
  result.set_ck_rv(pkcs11::RvOf(status));
}

}  // namespace

Dispatcher::Turn::Turn() : block(kArenaBlockBytes) {}

void Dispatcher::Turn::Begin() {
  End();  // a packet that was refused
  arena.emplace(OptionsFor(block));
  request = google::protobuf::Arena::CreateMessage<v1::RequestPacket>(&*arena);
  response = google::protobuf::Arena::CreateMessage<v1::ResponsePacket>(&*arena);
}

void Dispatcher::Turn::End() {
  tasks.clear();
  signing = false;
  if (!arena) return;
  const size_t used = std::min<size_t>(arena->SpaceUsed() + kArenaHeaderBytes, block.size());
  arena.reset();  // frees the other blocks, which wipes them (wipe_on_free.h)
  explicit_bzero(block.data(), used);
}

Dispatcher::Dispatcher(Verbs& verbs, uint64_t start_number)
    : verbs_(verbs), start_number_(start_number) {}

Dispatcher::~Dispatcher() {
  if (!idle()) Abandon();
}

void Dispatcher::Abandon() {
  outage_.Failed(verbs_.AbandonSigning());
  for (; !idle(); --under_way_) TurnAt(under_way_ - 1).End();
}

absl::Status Dispatcher::Check(const v1::RequestPacket& request) const {
  if (HasUnknown(request)) return Violation("an unknown field in a packet");
  if (request.packet_id() == 0 ||
      std::ranges::find(recent_ids_, request.packet_id()) != recent_ids_.end()) {
    return Violation("a packet_id that is 0 or of another packet in flight");
  }
  if (request.operations_size() < 1 || request.operations_size() > kMaxOperationsPerPacket) {
    return Violation(absl::StrCat(request.operations_size(), " operations in a packet"));
  }
  for (const v1::Operation& operation : request.operations()) {
    if (absl::Status s = CheckOperation(operation); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Several doubtful failures may be one broken key's or the HSM's: the canary tells.
void Dispatcher::Watch(const v1::Operation& operation, const absl::Status& status) {
  if (!status.ok()) {
    outage_.Failed(status);
  } else if (Signs(operation) || operation.has_generate() || operation.has_check_health()) {
    outage_.Succeeded();
  }
  if (outage_.fate() == Fate::kDoubt) outage_.Proved(verbs_.CheckHealth());
}

void Dispatcher::Carry(const v1::Operation& operation, size_t room_bytes, v1::Result& result) {
  if (outage_.over()) return SetError(outage_.Refusal(), result);
  absl::Status status;
  switch (operation.verb_case()) {
    case v1::Operation::kSignJws:
      status = verbs_.SignJws(operation.sign_jws(), *result.mutable_signature());
      break;
    case v1::Operation::kSignRaw:
      status = verbs_.SignRaw(operation.sign_raw(), *result.mutable_signature());
      break;
    case v1::Operation::kGenerate:
      status = verbs_.Generate(operation.generate(), *result.mutable_public_key());
      break;
    case v1::Operation::kGetPublicKey:
      status = verbs_.GetPublicKey(operation.get_public_key(), *result.mutable_public_key());
      break;
    case v1::Operation::kForget:
      status = verbs_.Forget(operation.forget());
      break;
    case v1::Operation::kList:
      status = verbs_.List(operation.list(), room_bytes, *result.mutable_object_list());
      break;
    case v1::Operation::kDescribe:
      status = verbs_.Describe(*result.mutable_description());
      break;
    case v1::Operation::kCheckHealth:
      status = verbs_.CheckHealth();
      break;
    case v1::Operation::kScheduleDestroy:
      status = verbs_.ScheduleDestroy(operation.schedule_destroy());
      break;
    case v1::Operation::kDestroy:
      status = verbs_.Destroy(operation.destroy());
      break;
    case v1::Operation::kCancelDestroy:
      status = verbs_.CancelDestroy(operation.cancel_destroy());
      break;
    case v1::Operation::kRevoke:
      status = verbs_.Revoke(operation.revoke());
      break;
    case v1::Operation::kListMarks:
      status = verbs_.ListMarks(operation.list_marks(), room_bytes, *result.mutable_mark_list());
      break;
    case v1::Operation::kReadEpoch:
      status = verbs_.ReadEpoch(*result.mutable_epoch());
      break;
    case v1::Operation::kAdvanceEpoch:
      status = verbs_.AdvanceEpoch(operation.advance_epoch(), *result.mutable_epoch());
      break;
    case v1::Operation::VERB_NOT_SET:
      break;  // Check refused it
  }
  Watch(operation, status);
  if (!status.ok()) SetError(status, result);
}

// Only lists can fill a packet; they get what the other results leave.
void Dispatcher::CarryAll(Turn& turn) {
  size_t room = kMaxPacketBytes - static_cast<size_t>(turn.request->operations_size()) *
                                      (kResultReserveBytes + kMaxPublicKeyBytes);
  for (const v1::Operation& operation : turn.request->operations()) {
    v1::Result& result = *turn.response->add_results();
    Carry(operation, room, result);
    if (result.has_object_list()) room -= std::min(room, result.object_list().ByteSizeLong());
    if (result.has_mark_list()) room -= std::min(room, result.mark_list().ByteSizeLong());
  }
}

void Dispatcher::BeginSigning(Turn& turn) {
  turn.signing = true;
  for (const v1::Operation& operation : turn.request->operations()) {
    turn.tasks.push_back({&operation, turn.response->add_results()->mutable_signature(), {}});
  }
  verbs_.BeginSigning(turn.tasks);
}

void Dispatcher::FinishSigning(Turn& turn) {
  verbs_.FinishSigning();
  for (int n = 0; n < turn.request->operations_size(); ++n) {
    const absl::Status& status = turn.tasks[static_cast<size_t>(n)].status;
    Watch(turn.request->operations(n), status);
    if (!status.ok()) SetError(status, *turn.response->mutable_results(n));
  }
}

// Behind a packet that does something else nothing may begin.
bool Dispatcher::CanTake() const {
  return idle() || (under_way_ < turns_.size() && TurnAt(under_way_ - 1).signing);
}

absl::Status Dispatcher::Take(absl::string_view packet) {
  Turn& turn = TurnAt(under_way_);
  turn.Begin();
  v1::RequestPacket& request = *turn.request;
  if (packet.size() > kMaxPacketBytes ||
      !request.ParseFromArray(packet.data(), static_cast<int>(packet.size()))) {
    return Violation("a packet that cannot be decoded");
  }
  if (absl::Status s = Check(request); !s.ok()) return s;
  std::ranges::rotate(recent_ids_, recent_ids_.begin() + 1);
  recent_ids_.back() = request.packet_id();
  turn.response->set_packet_id(request.packet_id());
  turn.response->set_start_number(start_number_);
  ++under_way_;
  if (!outage_.over() && verbs_.signs_in_parallel() &&
      std::ranges::all_of(request.operations(), Signs)) {
    BeginSigning(turn);
  }
  return absl::OkStatus();
}

bool Dispatcher::CanFinish() { return !TurnAt(0).signing || verbs_.OldestIsSigned(); }

absl::Status Dispatcher::Finish(std::string& answer) {
  Turn& turn = TurnAt(0);
  turn.signing ? FinishSigning(turn) : CarryAll(turn);
  const bool serialized = turn.response->SerializeToString(&answer);
  turn.End();
  oldest_ = (oldest_ + 1) % turns_.size();
  --under_way_;
  if (!serialized || answer.size() > kMaxPacketBytes) {
    return absl::InternalError("an answer does not fit into a packet");
  }
  return absl::OkStatus();
}

absl::Status Dispatcher::Answer(absl::string_view packet, std::string& answer) {
  if (absl::Status s = Take(packet); !s.ok()) return s;
  return Finish(answer);
}

}  // namespace sealward::hsm
