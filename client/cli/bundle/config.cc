#include <toml++/toml.h>

#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "client/cli/bundle/allowed.h"

namespace sealward::client::cli::bundle {
namespace {

using nlohmann::json;

// What of a value is told: itself, if it is of this kind; else only that it is there.
enum class Tell { kNumber, kSwitch, kEnvironment, kLevel, kPresence };

struct Key {
  const char* section;  // empty for the file's top
  const char* name;
  Tell tell;
};

// The keys of deploy/server.toml; those of [hsm] are those of each [partitions.NAME].
constexpr std::array kKeys = {
    Key{"", "environment", Tell::kEnvironment},     Key{"store", "path", Tell::kPresence},
    Key{"hsm", "binary", Tell::kPresence},          Key{"hsm", "partition", Tell::kPresence},
    Key{"hsm", "processes", Tell::kNumber},         Key{"hsm", "sockets", Tell::kPresence},
    Key{"grpc", "signing_listen", Tell::kPresence}, Key{"grpc", "admin_listen", Tell::kPresence},
    Key{"grpc", "local_listen", Tell::kPresence},   Key{"grpc", "certificate", Tell::kPresence},
    Key{"grpc", "private_key", Tell::kPresence},    Key{"grpc", "client_ca", Tell::kPresence},
    Key{"grpc", "trust_domain", Tell::kPresence},   Key{"grpc", "trust_domains", Tell::kPresence},
    Key{"https", "listen", Tell::kPresence},        Key{"https", "public_url", Tell::kPresence},
    Key{"https", "certificate", Tell::kPresence},   Key{"https", "private_key", Tell::kPresence},
    Key{"metrics", "listen", Tell::kPresence},      Key{"log", "level", Tell::kLevel},
    Key{"debug", "core_dumps", Tell::kSwitch},
};

json Presence(const toml::node& node) {
  return node.is_array() ? json(node.as_array()->size()) : json("set");
}

json Told(const toml::node& node, Tell tell) {
  const auto text = node.value_exact<std::string>();
  switch (tell) {
    case Tell::kNumber:
      if (const auto number = node.value_exact<int64_t>()) return *number;
      break;
    case Tell::kSwitch:
      if (const auto on = node.value_exact<bool>()) return *on;
      break;
    case Tell::kEnvironment:
      if (text == "production" || text == "development") return *text;
      break;
    case Tell::kLevel:
      if (text == "debug" || text == "info" || text == "warning" || text == "error") return *text;
      break;
    case Tell::kPresence:
      break;
  }
  return Presence(node);
}

// Tells the known keys of a table, by the names in kKeys; counts the others.
json AllowedTable(const toml::table& table, std::string_view section, int& unknown) {
  json out = json::object();
  for (const auto& [name, node] : table) {
    const Key* known = nullptr;
    for (const Key& key : kKeys) {
      if (key.section == section && name.str() == key.name) known = &key;
    }
    if (known != nullptr) {
      out[known->name] = Told(node, known->tell);
    } else if (!section.empty() || !node.is_table()) {
      ++unknown;
    }
  }
  return out;
}

json AllowedFile(const toml::table& file) {
  int unknown = 0;
  json out = AllowedTable(file, "", unknown);
  for (const auto& [name, node] : file) {
    if (!node.is_table()) continue;
    const toml::table& table = *node.as_table();
    const Key* known = nullptr;
    for (const Key& key : kKeys) {
      if (name.str() == key.section) known = &key;
    }
    if (known != nullptr) {
      out[known->section] = AllowedTable(table, known->section, unknown);
    } else if (name.str() == "partitions") {
      // Their names are their tenants' business.
      out["partitions"] = json::array();
      for (const auto& [ignored, partition] : table) {
        if (partition.is_table()) {
          out["partitions"].push_back(AllowedTable(*partition.as_table(), "hsm", unknown));
        }
      }
    } else {
      ++unknown;
    }
  }
  out["unknown_keys"] = unknown;
  return out;
}

}  // namespace

json AllowedConfig(absl::string_view toml) {
  try {
    std::istringstream stream{std::string(toml)};
    return AllowedFile(toml::parse(stream));
  } catch (const toml::parse_error& error) {
    return {{"error", "no TOML"}, {"line", error.source().begin.line}};
  }
}

}  // namespace sealward::client::cli::bundle
