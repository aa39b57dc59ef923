// What the services have in common: ids and parents.
#ifndef SEALWARD_SERVER_API_RESOURCE_RULES_H_
#define SEALWARD_SERVER_API_RESOURCE_RULES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/catalog/snapshot.h"

namespace sealward::api {

// INVALID_ARGUMENT (NAME_INVALID), naming the field, for an id that is not
// formed like one.
absl::Status CheckResourceId(absl::string_view field, absl::string_view id);

// The resources whose names start with `collection` and a slash, for example
// "tenants/a/keys".
template <typename Resource>
std::vector<std::shared_ptr<const Resource>> ChildrenOf(const catalog::ByName<Resource>& all,
                                                        absl::string_view collection) {
  const std::string prefix = absl::StrCat(collection, "/");
  std::vector<std::shared_ptr<const Resource>> children;
  for (const auto& [name, resource] : all) {
    if (absl::StartsWith(name, prefix)) children.push_back(resource);
  }
  return children;
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_RESOURCE_RULES_H_
