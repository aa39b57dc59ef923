// The configuration file of sealward-server (TOML). deploy/server.toml is an
// example with every key; README.md says which ones matter.
#ifndef SEALWARD_SERVER_APP_CONFIG_H_
#define SEALWARD_SERVER_APP_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::app {

// Config is the file's content; paths are absolute.
struct Config {
  enum class Environment { kProduction, kDevelopment };
  struct Store {
    std::string path;
  };
  struct Hsm {
    std::string binary;  // started with serve --dir partition …
    // Its directory. The server never opens it, and outside development does not start
    // if it could: with `sockets` that is all it is for.
    std::string partition;
    int processes = 2;                 // 1 to hsm_client::kMaxProcesses
    std::vector<std::string> sockets;  // instead: connect to these, one a process
  };
  struct TrustDomain {
    std::string name;    // a SPIFFE trust domain
    std::string bundle;  // of the CAs that vouch for its members
  };
  struct Grpc {
    std::string signing_listen;
    std::string admin_listen;
    std::string certificate;
    std::string private_key;
    std::string client_ca;
    std::string trust_domain;  // whose members client_ca vouches for; empty: nobody's
    std::vector<TrustDomain> trust_domains;
    std::string local_listen;  // a UNIX socket for operators of this machine; empty: none
  };
  struct Https {
    std::string listen;
    std::string public_url;  // empty: https://localhost:<port>
    std::string certificate;
    std::string private_key;
  };
  struct Metrics {
    std::string listen;  // empty: not served
  };
  struct Log {
    std::string level = "info";
  };

  struct Debug {
    bool core_dumps = false;  // of the server; never of sealward-hsm
  };

  struct Development {
    bool short_margins = false;  // lifecycle/margins.h
  };

  Environment environment = Environment::kProduction;
  Store store;
  Hsm hsm;                                // the shared partition
  std::map<std::string, Hsm> partitions;  // tenants' own, by name
  Grpc grpc;
  Https https;
  Metrics metrics;
  Log log;
  Debug debug;
  Development development;
};

// Reads and checks the file. INVALID_ARGUMENT names the file, the key and what
// is wrong with it; an unknown key is an error, so that a typo does not become
// a default. `default_hsm_binary` stands where the file names none.
absl::StatusOr<Config> LoadConfig(absl::string_view path, absl::string_view default_hsm_binary);

}  // namespace sealward::app

#endif  // SEALWARD_SERVER_APP_CONFIG_H_
