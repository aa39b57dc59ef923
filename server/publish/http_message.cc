#include "server/publish/http_message.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sealward::publish {

bool CoversEtag(absl::string_view if_none_match, absl::string_view etag) {
  if (etag.empty()) return false;
  absl::string_view rest = absl::StripAsciiWhitespace(if_none_match);
  if (rest == "*") return true;
  // A tag may hold commas, so the list is walked, not split.
  while (!rest.empty()) {
    absl::ConsumePrefix(&rest, "W/");
    if (rest.empty() || rest.front() != '"') return false;
    const size_t end = rest.find('"', 1);
    if (end == absl::string_view::npos) return false;
    if (rest.substr(0, end + 1) == etag) return true;
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(end + 1));
    if (!absl::ConsumePrefix(&rest, ",")) return false;
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
  return false;
}

HttpResponse ApplyConditions(HttpResponse response, absl::string_view if_none_match) {
  if (response.status == 200 && CoversEtag(if_none_match, response.etag)) {
    response.status = 304;
    response.body.clear();
    response.content_type.clear();
  }
  return response;
}

HttpResponse PlainText(int status, absl::string_view text) {
  HttpResponse response;
  response.status = status;
  response.body = absl::StrCat(text, "\n");
  return response;
}

}  // namespace sealward::publish
