#include "server/api/paging.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "server/api/etag.h"

namespace sealward::api {
namespace {

// Checksum, then the position.
constexpr size_t kChecksumBytes = 8;

std::string Checksum(absl::string_view collection, absl::string_view position) {
  return Digest({"page", collection, position}).substr(0, kChecksumBytes);
}

absl::Status BadToken() {
  return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                   "page_token is not one that this list has returned; leave it empty to start "
                   "from the first page");
}

}  // namespace

absl::StatusOr<PageRequest> ParsePageRequest(absl::string_view collection, int32_t page_size,
                                             absl::string_view page_token) {
  if (page_size < 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_SIZE_INVALID",
                     "page_size must not be negative; 0 means the default");
  }
  PageRequest page;
  page.size = static_cast<size_t>(page_size == 0 ? kDefaultPageSize
                                                 : std::min<int32_t>(page_size, kMaxPageSize));
  if (page_token.empty()) return page;
  if (page_token.size() > kMaxPageTokenBytes) return BadToken();
  const auto bytes = Base64UrlDecode(page_token);
  if (!bytes || bytes->size() <= kChecksumBytes) return BadToken();
  page.after = bytes->substr(kChecksumBytes);
  if (bytes->compare(0, kChecksumBytes, Checksum(collection, page.after)) != 0) return BadToken();
  return page;
}

std::string PageToken(absl::string_view collection, absl::string_view position) {
  return Base64UrlEncode(absl::StrCat(Checksum(collection, position), position));
}

}  // namespace sealward::api
