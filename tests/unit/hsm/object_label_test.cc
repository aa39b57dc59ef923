#include "hsm/object_label.h"

#include <gtest/gtest.h>

namespace sealward::hsm {
namespace {

v1::ObjectRef Ref(const std::string& key, v1::ObjectPurpose purpose) {
  v1::ObjectRef ref;
  ref.set_key(key);
  ref.set_purpose(purpose);
  return ref;
}

// Labels are for ever: a form that changes makes every key of old partitions
// unattributable.
TEST(ObjectLabelTest, HasTheFormThatIsInEveryPartition) {
  const auto label = ObjectLabel::FromRef(Ref("tenants/acme/keys/login", v1::OBJECT_PURPOSE_JWT));
  ASSERT_TRUE(label.has_value());
  EXPECT_EQ(label->ToString(), "sealward:1:jwt:tenants/acme/keys/login");
  EXPECT_EQ(ObjectLabel::Parse(label->ToString()), label);
}

// One pair signs with one algorithm: where its kind leaves it open, the label says which.
TEST(ObjectLabelTest, NamesAnUnusualAlgorithm) {
  ObjectLabel label{v1::OBJECT_PURPOSE_RAW, "tenants/acme/keys/images", "PS384"};
  EXPECT_EQ(label.ToString(), "sealward:1:raw+PS384:tenants/acme/keys/images");
  EXPECT_EQ(ObjectLabel::Parse(label.ToString()), label);
  const ObjectLabel usual{v1::OBJECT_PURPOSE_RAW, "tenants/acme/keys/images", ""};
  EXPECT_TRUE(label.IsOfSameKey(usual));
  EXPECT_FALSE(label == usual);
  EXPECT_FALSE(label.IsOfSameKey({v1::OBJECT_PURPOSE_JWT, "tenants/acme/keys/images", "PS384"}));
  EXPECT_FALSE(label.IsOfSameKey({v1::OBJECT_PURPOSE_RAW, "tenants/acme/keys/image", "PS384"}));
}

// A label that two parties read differently opens a door to another tenant.
TEST(ObjectLabelTest, AcceptsNoOtherForm) {
  for (const char* text :
       {"", "sealward:1:jwt:", "sealward:1:jwt:tenants/acme", "sealward:2:jwt:tenants/a/keys/b",
        "sealward:1:jwt+:tenants/a/keys/b", "sealward:1:jwt+ES256:tenants/a/keys/b",
        "sealward:1:jwt+HS256:tenants/a/keys/b", "sealward:1:jwt+PS256tenants/a/keys/b",
        "sealward:1:jwt+PS256-2048:tenants/a/keys/b", "sealward:1:rawtenants/a/keys/b",
        "sealward:1:jwtraw:tenants/a/keys/b", "sealward:1:JWT:tenants/a/keys/b",
        "sealward:1:jwt:tenants/a/keys/b ", "sealward:1:jwt:tenants/a/keys/b/versions/1",
        " sealward:1:jwt:tenants/a/keys/b", "sealward:1:jwt:sealward:1:jwt:tenants/a/keys/b",
        "sealward:1:jwt:tenants/A/keys/b", "sealward:1:canary"}) {
    EXPECT_FALSE(ObjectLabel::Parse(text).has_value()) << text;
  }
}

TEST(ObjectLabelTest, AReferenceNamesAKeyAndAPurpose) {
  EXPECT_FALSE(ObjectLabel::FromRef(Ref("tenants/a/keys/b", v1::OBJECT_PURPOSE_UNSPECIFIED)));
  EXPECT_FALSE(ObjectLabel::FromRef(Ref("tenants/a/keys/b", static_cast<v1::ObjectPurpose>(9))));
  EXPECT_FALSE(ObjectLabel::FromRef(Ref("x:tenants/a/keys/b", v1::OBJECT_PURPOSE_JWT)));
  EXPECT_FALSE(ObjectLabel::FromRef(Ref("canary", v1::OBJECT_PURPOSE_JWT)));
}

TEST(ObjectLabelTest, AnIdHasSixteenBytes) {
  EXPECT_TRUE(ToObjectId("0123456789abcdef").has_value());
  EXPECT_FALSE(ToObjectId("0123456789abcde").has_value());
  EXPECT_FALSE(ToObjectId("0123456789abcdef0").has_value());
  EXPECT_FALSE(ToObjectId("").has_value());
}

}  // namespace
}  // namespace sealward::hsm
