#include "hsm/check_rate.h"

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "hsm/pkcs11/rv.h"

namespace sealward::hsm {
namespace {

// As long as a digest, which every mechanism signs.
constexpr absl::string_view kInput = "sealward-hsm check measures this";

struct Lane {
  int signatures = 0;
  CK_RV rv = CKR_OK;
};

void SignUntil(absl::Time end, const KeyObject& object, const pkcs11::Session& session,
               Lane& lane) {
  std::string room(object.mechanism->algorithm->signature_bytes, '\0');
  do {
    CK_ULONG size = room.size();
    lane.rv = session.Sign({object.mechanism->sign, nullptr, 0}, object.handles.private_key, kInput,
                           reinterpret_cast<unsigned char*>(room.data()), &size);
    if (lane.rv != CKR_OK) return;
    ++lane.signatures;
  } while (absl::Now() < end);
}

}  // namespace

absl::StatusOr<double> SignRate(const OpenPartition& partition, const KeyObject& object,
                                ThreadTeam& team, absl::Duration duration) {
  std::vector<Lane> lanes(team.size());
  const absl::Time start = absl::Now();
  team.Run(lanes.size(), [&](size_t lane, size_t /*member*/) {
    SignUntil(start + duration, object, *partition.signing[lane], lanes[lane]);
  });
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  double signatures = 0;
  for (const Lane& lane : lanes) {
    if (lane.rv != CKR_OK) return pkcs11::RvStatus(lane.rv, "C_Sign");
    signatures += lane.signatures;
  }
  return signatures / seconds;
}

}  // namespace sealward::hsm
