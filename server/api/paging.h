// Pages of lists (AIP-158).
#ifndef SEALWARD_SERVER_API_PAGING_H_
#define SEALWARD_SERVER_API_PAGING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealward::api {

inline constexpr int32_t kDefaultPageSize = 100;
inline constexpr int32_t kMaxPageSize = 1000;
inline constexpr size_t kMaxPageTokenBytes = 512;

// PageRequest is what a list request asks for, checked.
struct PageRequest {
  size_t size = 0;
  std::string after;  // the position where the last page ended; empty: from the start
};

// `collection` says what is listed, parent included, for example
// "tenants/a/keys": a token of one collection is refused in another.
// INVALID_ARGUMENT (PAGE_SIZE_INVALID) for a negative size, (PAGE_TOKEN_INVALID)
// for a token that PageToken did not make for this collection.
absl::StatusOr<PageRequest> ParsePageRequest(absl::string_view collection, int32_t page_size,
                                             absl::string_view page_token);

// The token that goes on after `position`. Opaque: base64url with a checksum,
// which guards against mistakes; a caller may read nothing by making one up,
// because every page is authorized as the first was.
std::string PageToken(absl::string_view collection, absl::string_view position);

// Page is a part of a list, in name order.
template <typename Resource>
struct Page {
  std::vector<std::shared_ptr<const Resource>> items;
  std::string next_page_token;  // empty on the last page
};

// The page of `all` that `request` asks for.
template <typename Resource>
Page<Resource> TakePage(std::vector<std::shared_ptr<const Resource>> all,
                        absl::string_view collection, const PageRequest& request) {
  std::erase_if(all, [&request](const auto& each) { return each->name <= request.after; });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->name < b->name; });
  Page<Resource> page;
  if (all.size() > request.size) {
    all.resize(request.size);
    page.next_page_token = PageToken(collection, all.back()->name);
  }
  page.items = std::move(all);
  return page;
}

}  // namespace sealward::api

#endif  // SEALWARD_SERVER_API_PAGING_H_
