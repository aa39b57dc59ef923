#include "tests/contract/store/contract.h"

namespace sealward::store {

INSTANTIATE_TEST_SUITE_P(Engines, StoreContract,
                         testing::ValuesIn(AllEngines().begin(), AllEngines().end()),
                         testing::PrintToStringParamName());

}  // namespace sealward::store
