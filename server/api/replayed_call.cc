#include "server/api/replayed_call.h"

#include <memory>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "server/api/etag.h"

namespace sealward::api {
namespace {

// The same for the same content, whatever its request_id.
std::string DigestOf(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> content(request.New());
  content->CopyFrom(request);
  content->GetReflection()->ClearField(content.get(),
                                       content->GetDescriptor()->FindFieldByName("request_id"));
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    content->SerializeToCodedStream(&coded);
  }
  return Digest({bytes});
}

absl::Status AuthorizeAgain(const Edge& edge, const Caller& caller, const replay::Answer& answer) {
  const auto snapshot = edge.catalog->Get();
  for (const replay::Permission& each : answer.permissions) {
    const auto verb = auth::FindVerb(each.verb());
    if (!verb) return absl::DataLossError("an earlier call's rights cannot be read");
    const auth::Target target{each.tenant(), each.key()};
    absl::Status allowed = caller.Authorize(*snapshot, target, *verb, each.resource());
    if (!allowed.ok()) return allowed;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<replay::Entry> EnterReplay(const Edge& edge, const Caller& caller,
                                          const google::protobuf::Message& request,
                                          const std::string& request_id) {
  auto entry = edge.replay->Enter(
      {caller.principal(), request.GetTypeName(), request_id, DigestOf(request)}, edge.Now());
  if (!entry.ok() || !entry->answer) return entry;
  if (absl::Status s = AuthorizeAgain(edge, caller, *entry->answer); !s.ok()) return s;
  return entry;
}

}  // namespace sealward::api
