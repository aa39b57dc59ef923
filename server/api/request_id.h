// Names for single calls, so that a caller's error and our log can be matched.
#ifndef SEALWARD_SERVER_API_REQUEST_ID_H_
#define SEALWARD_SERVER_API_REQUEST_ID_H_

#include <string>

namespace sealward::api {

// A new id, for example "9f3c2a71d04b-1f": random for this start of the server,
// then a counter. Unique, cheap, says nothing about the call. Thread-safe.
std::string NewRequestId();

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_REQUEST_ID_H_
