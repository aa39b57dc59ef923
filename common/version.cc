#include "common/version.h"

namespace sealward {

const char* const kVersion = SEALWARD_VERSION;

}  // namespace sealward
