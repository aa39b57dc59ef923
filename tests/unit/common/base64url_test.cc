#include "common/base64url.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace sealward {
namespace {

// RFC 4648 section 10 without padding, and RFC 7515 appendix C.
TEST(Base64UrlTest, VectorsOfTheRfcs) {
  const struct {
    std::string bytes;
    std::string text;
  } rows[] = {
      {"", ""},
      {"f", "Zg"},
      {"fo", "Zm8"},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg"},
      {"fooba", "Zm9vYmE"},
      {"foobar", "Zm9vYmFy"},
      {"\x03\xec\xff\xe0\xc1", "A-z_4ME"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Base64UrlEncode(row.bytes), row.text);
    EXPECT_EQ(Base64UrlDecode(row.text), row.bytes);
  }
}

TEST(Base64UrlTest, AppendKeepsWhatIsThere) {
  std::string out = "header.";
  Base64UrlAppend("foob", out);
  EXPECT_EQ(out, "header.Zm9vYg");
  Base64UrlAppend("", out);
  EXPECT_EQ(out, "header.Zm9vYg");
}

// A second spelling of the same bytes is how look-ups and signatures are fooled.
TEST(Base64UrlTest, RefusesOtherSpellings) {
  for (const std::string& text :
       {std::string("Zg=="), std::string("Zg="), std::string("Zm8="), std::string("Zh"),
        std::string("Zm9"), std::string("Z"), std::string("Zm9vY"), std::string("+/+/"),
        std::string("Zm9v\n"), std::string(" Zm9"), std::string("Zm 9"), std::string("Zm9\0", 4),
        std::string("Zm9\xff"), std::string("====")}) {
    EXPECT_EQ(Base64UrlDecode(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(Base64UrlProperties, DecodeUndoesEncode, (const std::string& bytes)) {
  RC_ASSERT(Base64UrlDecode(Base64UrlEncode(bytes)) == bytes);
}

// Whatever decodes is the one spelling of what it decodes to.
RC_GTEST_PROP(Base64UrlProperties, EncodeUndoesDecode, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element<char>(
      'A', 'Q', 'g', 'w', 'B', 'Z', 'a', 'z', '0', '9', '-', '_', '+', '/', '='));
  if (const auto bytes = Base64UrlDecode(text)) RC_ASSERT(Base64UrlEncode(*bytes) == text);
}

}  // namespace
}  // namespace sealward
