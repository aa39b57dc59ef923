#include "hsm/pkcs11/attributes.h"

#include <cstring>

namespace sealward::pkcs11 {

Template& Template::Bytes(CK_ATTRIBUTE_TYPE type, absl::string_view value) {
  std::string& kept = values_.emplace_back(value);
  attributes_.push_back({type, kept.data(), kept.size()});
  return *this;
}

Template& Template::Bool(CK_ATTRIBUTE_TYPE type, bool value) {
  const char byte = value ? 1 : 0;
  return Bytes(type, absl::string_view(&byte, 1));
}

Template& Template::Ulong(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return Bytes(type, absl::string_view(bytes, sizeof bytes));
}

bool IsUlong(CK_ATTRIBUTE_TYPE type) {
  return type == CKA_CLASS || type == CKA_KEY_TYPE || type == CKA_MODULUS_BITS;
}

std::optional<bool> AsBool(const Value& value) {
  if (!value || value->size() != sizeof(CK_BBOOL)) return std::nullopt;
  return value->front() != 0;
}

std::optional<CK_ULONG> AsUlong(const Value& value) {
  CK_ULONG number = 0;
  if (!value || value->size() != sizeof number) return std::nullopt;
  std::memcpy(&number, value->data(), sizeof number);
  return number;
}

}  // namespace sealward::pkcs11
