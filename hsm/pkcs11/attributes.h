// Attribute templates going into the module and values coming out of it.
#ifndef SEALWARD_HSM_PKCS11_ATTRIBUTES_H_
#define SEALWARD_HSM_PKCS11_ATTRIBUTES_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "hsm/pkcs11/cryptoki.h"

namespace sealward::pkcs11 {

// Longest attribute value that is read; an RSA-4096 modulus has 512 bytes.
inline constexpr size_t kMaxAttributeBytes = 1024;

// Template is a list of attributes that owns its values. Not copyable, because
// the list points into it.
class Template {
 public:
  Template() = default;
  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;

  Template& Bool(CK_ATTRIBUTE_TYPE type, bool value);
  Template& Ulong(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
  Template& Bytes(CK_ATTRIBUTE_TYPE type, absl::string_view value);

  CK_ATTRIBUTE* data() { return attributes_.data(); }
  CK_ULONG size() const { return attributes_.size(); }

 private:
  std::deque<std::string> values_;  // a deque, so that values stay where they are
  std::vector<CK_ATTRIBUTE> attributes_;
};

// Value is what the module said about one attribute: nullopt if the object has
// none, or it is sensitive or over kMaxAttributeBytes.
using Value = std::optional<std::string>;

// Whether values of `type` are a CK_ULONG (PKCS#11 v2.40 section 4), of the types that
// Sealward reads.
bool IsUlong(CK_ATTRIBUTE_TYPE type);

// `value` as CK_BBOOL or CK_ULONG; nullopt if it is absent or of another size.
std::optional<bool> AsBool(const Value& value);
std::optional<CK_ULONG> AsUlong(const Value& value);

}  // namespace sealward::pkcs11

#endif  // SEALWARD_HSM_PKCS11_ATTRIBUTES_H_
