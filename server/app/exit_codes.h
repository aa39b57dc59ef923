// Exit codes of sealward-server, after sysexits(3) where it has one.
#ifndef SEALWARD_SERVER_APP_EXIT_CODES_H_
#define SEALWARD_SERVER_APP_EXIT_CODES_H_

namespace sealward::app {

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitStore = 74;      // the store is missing, corrupt or of a newer schema
inline constexpr int kExitTemporary = 75;  // an address or the store is in use
inline constexpr int kExitConfig = 78;     // the configuration file, or a file that it names

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_EXIT_CODES_H_
