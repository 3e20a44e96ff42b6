// The little of UTF-8 that is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace freshet {

// The offset of the first byte that does not belong to a well-formed code point; npos when there is
// none. Surrogates and overlong forms are not well-formed.
size_t FirstInvalidUtf8(std::string_view text);

// True for what a string may hold: up to U+10FFFF, without surrogates.
bool IsCodePoint(uint32_t code_point);

// IsCodePoint(code_point) holds.
void AppendUtf8(std::string& to, uint32_t code_point);

// Bytes of no code point count with the one before them.
int64_t CountCodePoints(std::string_view text);

// Bytes that belong to no well-formed code point become \\xHH, as a person would write them.
std::string ToUtf8(std::string_view text);

}  // namespace freshet
