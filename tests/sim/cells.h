// Which cells of the table (state × event × failpoint) can be reached, and why the others
// cannot. The run fails if a cell that is not listed is hit, or one that is has too few.
#ifndef SEALWARD_TESTS_SIM_CELLS_H_
#define SEALWARD_TESTS_SIM_CELLS_H_

#include "tests/sim/events.h"

namespace sealward::sim {

// Whether the event can meet a subject in this state.
bool CanHappen(Event event, Subject subject);

// Whether the event is about a whole key, not one of its versions.
bool IsOfKey(Event event);

// Whether the event can be cut short there: only what commits can, and inside the HSM
// only what calls it.
bool CanFailThere(Event event, Failpoint failpoint);

}  // namespace sealward::sim

#endif  // SEALWARD_TESTS_SIM_CELLS_H_
