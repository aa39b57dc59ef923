// Linked into every test: those that end while a handshake of gRPC's is under way would
// now and then crash after "PASSED" (common/grpc_tls.h). Here rather than in a fixture,
// because it has no effect once a test has made a key.
#include "common/grpc_tls.h"

namespace {

[[maybe_unused]] const bool kept = [] {
  sealward::KeepOpenSslForGrpc();
  return true;
}();

}  // namespace
