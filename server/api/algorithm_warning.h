// What the owner of a key should know about its algorithm.
#ifndef SEALWARD_SERVER_API_ALGORITHM_WARNING_H_
#define SEALWARD_SERVER_API_ALGORITHM_WARNING_H_

#include <string>

#include "common/algorithms.h"
#include "sealward/v1/issuer_service.pb.h"

namespace sealward::api {

// A sentence that names well-known validators without `algorithm`, so that a JWT of its has a
// narrower audience; empty where none is known. `profile` is that of the key's issuer: who has
// said that its validators are AWS's is told of those as well. Pure. The table is what the interop
// tests (tests/interop/test_validators.py) measure, and what the others say of themselves.
std::string AlgorithmWarning(const AlgorithmInfo& algorithm, v1::ValidatorProfile profile);

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_ALGORITHM_WARNING_H_
