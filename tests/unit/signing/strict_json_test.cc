// What the scanner tells its visitor. If this breaks, claims are judged by
// values other than those that stand in the text.
#include "server/signing/strict_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sealward::signing {
namespace {

std::string Show(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kObject:
      return "{}";
    case JsonValue::Kind::kArray:
      return "[]";
    case JsonValue::Kind::kString:
      return absl::StrCat("'", value.text, "'");
    case JsonValue::Kind::kNumber:
      return absl::StrCat(value.number);
    case JsonValue::Kind::kBoolean:
      return "bool";
    case JsonValue::Kind::kNull:
      return "null";
  }
  return "";
}

std::string Scan(absl::string_view text, int max_depth = 8) {
  std::vector<std::string> seen;
  const auto error =
      ScanJsonObject(text, max_depth,
                     [&seen](int level, absl::string_view member,
                             const JsonValue& value) -> std::optional<absl::string_view> {
                       seen.push_back(absl::StrCat(level, ":", member, "=", Show(value)));
                       return std::nullopt;
                     });
  if (error) return absl::StrCat("error at ", error->offset);
  return absl::StrJoin(seen, " ");
}

TEST(StrictJson, TellsOfTwoLevelsInOrder) {
  EXPECT_EQ(Scan("{}"), "");
  EXPECT_EQ(Scan(R"({"a":1,"b":"x","c":true,"d":null})"), "1:a=1 1:b='x' 1:c=bool 1:d=null");
  EXPECT_EQ(Scan(R"({"a":["x",["y"],{"b":1}],"c":-2.5})"), "1:a=[] 2:a='x' 2:a=[] 2:a={} 1:c=-2.5");
  EXPECT_EQ(Scan(R"({"a":{"b":"x"},"\u0063":"\u00e9\ud83d\ude00"})"),
            "1:a={} 2:a='x' 1:c='\xC3\xA9\xF0\x9F\x98\x80'");
}

TEST(StrictJson, ConvertsNumbersExactly) {
  EXPECT_EQ(Scan(R"({"a":0,"b":-0,"c":999999999999999,"d":1e3,"e":0.1})"),
            absl::StrCat("1:a=0 1:b=-0 1:c=", 999999999999999.0, " 1:d=1000 1:e=0.1"));
  double number = 0;
  const auto keep = [&number](int, absl::string_view,
                              const JsonValue& value) -> std::optional<absl::string_view> {
    number = value.number;
    return std::nullopt;
  };
  const std::pair<const char*, double> kCases[] = {
      {"9007199254740992", 9007199254740992.0},
      {"9007199254740993", 9007199254740992.0},  // nearest even
      {"9007199254740995", 9007199254740996.0},
      {"123456789012345678", 123456789012345678.0},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"1.7976931348623157e308", 1.7976931348623157e308},
  };
  for (const auto& [text, expected] : kCases) {
    ASSERT_FALSE(ScanJsonObject(absl::StrCat("{\"a\":", text, "}"), 8, keep).has_value()) << text;
    EXPECT_EQ(number, expected) << text;
  }
}

TEST(StrictJson, SaysWhereItIsWrong) {
  EXPECT_EQ(Scan(R"({"a":x})"), "error at 5");
  EXPECT_EQ(Scan(R"({"a":1}!)"), "error at 7");
  EXPECT_EQ(Scan(R"({"a":{}})", 1), "error at 5");
}

TEST(StrictJson, EndsWithTheVisitorsError) {
  int calls = 0;
  const auto error = ScanJsonObject(
      R"({"a":1,"b":2})", 8,
      [&calls](int, absl::string_view, const JsonValue&) -> std::optional<absl::string_view> {
        ++calls;
        return "no";
      });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->what, "no");
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace sealward::signing
