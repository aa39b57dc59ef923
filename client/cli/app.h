// `sealward` as a function of its command line.
#ifndef SEALWARD_CLIENT_CLI_APP_H_
#define SEALWARD_CLIENT_CLI_APP_H_

#include <ostream>
#include <string>
#include <vector>

namespace sealward::client::cli {

// Parses `arguments` (without the program's name), runs the command and returns
// the exit code. Answers go to `out`; errors, and nothing else, to `err`.
int RunApp(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_APP_H_
