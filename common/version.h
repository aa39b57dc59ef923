// The version of all programs of this build.
#ifndef SEALWARD_COMMON_VERSION_H_
#define SEALWARD_COMMON_VERSION_H_

namespace sealward {

// As project() of CMakeLists.txt says: "1.2.3".
extern const char* const kVersion;

}  // namespace sealward

#endif  // SEALWARD_COMMON_VERSION_H_
