#include "base/utf8.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace freshet {
namespace {

bool IsContinuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
}

// The bytes that a code point takes by its first one; 0 when no code point starts so.
size_t SequenceSize(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

bool IsWellFormed(std::string_view sequence) {
  if (!std::all_of(sequence.begin() + 1, sequence.end(), IsContinuation)) return false;
  if (sequence.size() < 3) return true;
  uint8_t first = static_cast<uint8_t>(sequence[0]);
  uint8_t second = static_cast<uint8_t>(sequence[1]);
  bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  bool surrogate = first == 0xED && second >= 0xA0;
  bool too_large = first == 0xF4 && second >= 0x90;
  return !overlong && !surrogate && !too_large;
}

}  // namespace

size_t FirstInvalidUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t size = SequenceSize(static_cast<uint8_t>(text[at]));
    if (size == 0 || size > text.size() - at || !IsWellFormed(text.substr(at, size))) return at;
    at += size;
  }
  return std::string_view::npos;
}

bool IsCodePoint(uint32_t code_point) {
  return code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF);
}

void AppendUtf8(std::string& to, uint32_t code_point) {
  FRESHET_CHECK(IsCodePoint(code_point));
  auto continuation = [&](int shift) {
    return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    to += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    to += static_cast<char>(0xC0 | (code_point >> 6));
    to += continuation(0);
  } else if (code_point < 0x10000) {
    to += static_cast<char>(0xE0 | (code_point >> 12));
    to += continuation(6);
    to += continuation(0);
  } else {
    to += static_cast<char>(0xF0 | (code_point >> 18));
    to += continuation(12);
    to += continuation(6);
    to += continuation(0);
  }
}

int64_t CountCodePoints(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return !IsContinuation(byte); });
}

std::string ToUtf8(std::string_view text) {
  std::string valid;
  while (true) {
    const size_t at = FirstInvalidUtf8(text);
    valid += text.substr(0, at);
    if (at == std::string_view::npos) return valid;
    valid += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[at]));
    text.remove_prefix(at + 1);
  }
}

}  // namespace freshet
