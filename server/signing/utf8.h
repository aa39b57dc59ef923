// UTF-8 (RFC 3629), one character at a time.
#ifndef SEALWARD_SERVER_SIGNING_UTF8_H_
#define SEALWARD_SERVER_SIGNING_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace sealward::signing {

// Bytes of the character of two or more bytes at `at`, or 0 if none starts
// there that is whole before `end`, in its shortest form, no surrogate and at
// most U+10FFFF. REQUIRES: at < end.
size_t Utf8SequenceLength(const char* at, const char* end);

// Appends the character `code`. REQUIRES: a Unicode scalar value.
void AppendUtf8(uint32_t code, std::string& out);

}  // namespace sealward::signing

#endif  // SEALWARD_SERVER_SIGNING_UTF8_H_
