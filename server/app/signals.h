// The signals by which a server is asked to end.
#ifndef SEALWARD_SERVER_APP_SIGNALS_H_
#define SEALWARD_SERVER_APP_SIGNALS_H_

namespace sealward::app {

// Blocks SIGTERM and SIGINT for this thread and all that it starts, and ignores
// SIGPIPE and SIGXFSZ (a full disk must be an error, not an end). REQUIRES: called
// before any thread is started.
void BlockSignals();

// Waits for SIGTERM or SIGINT and returns it. From then on another one ends the
// process at once.
int WaitForSignal();

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_SIGNALS_H_
