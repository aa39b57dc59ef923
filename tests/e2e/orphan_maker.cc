// Makes key pairs that no version owns, as a kill or an old store leaves them behind:
// asks a sealward-hsm of its own, with no server beside it.
//
//   e2e_orphan_maker DIRECTORY KEY CKA_ID…     (tenants/{t}/keys/{k}; 32 hex digits each)
#include <cstdio>
#include <string>

#include "absl/strings/escaping.h"
#include "tests/contract/hsm/hsm_process.h"

namespace sealward::hsm_test {
namespace {

int Make(const std::string& directory, const std::string& key, char** ids, int count) {
  HsmProcess process(directory);
  if (!process.Ready().ok()) {
    fprintf(stderr, "sealward-hsm does not start: %s\n", process.Wait().log.c_str());
    return 1;
  }
  for (int i = 0; i < count; ++i) {
    const std::string id = absl::HexStringToBytes(ids[i]);
    const hsm::v1::Result made = process.CallOne(GenerateOp(Ref(id, key), v1::ALGORITHM_ES256));
    if (made.code() == 0) continue;
    fprintf(stderr, "%s: %s\n", ids[i], made.message().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace sealward::hsm_test

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: e2e_orphan_maker DIRECTORY KEY CKA_ID...\n");
    return 2;
  }
  return sealward::hsm_test::Make(argv[1], argv[2], argv + 3, argc - 3);
}
