#include "base/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace freshet {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 0xFF;

constexpr std::array<uint8_t, 256> kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  digits['-'] = digits['+'];
  digits['_'] = digits['/'];
  return digits;
}();

std::string_view WithoutPadding(std::string_view text) {
  if (text.size() % 4 != 0) return text;
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    for (bit_count += 8; bit_count >= 6; bit_count -= 6)
      text.push_back(kAlphabet[bits >> (bit_count - 6) & 0x3F]);
  }
  if (bit_count > 0) text.push_back(kAlphabet[bits << (6 - bit_count) & 0x3F]);
  while (text.size() % 4 != 0) text.push_back('=');
  return text;
}

bool DecodeBase64(std::string_view text, std::string* bytes) {
  const std::string_view digits = WithoutPadding(text);
  bytes->clear();
  bytes->reserve(digits.size() * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : digits) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kNoDigit) return false;
    bits = bits << 6 | digit;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes->push_back(static_cast<char>(bits >> bit_count & 0xFF));
  }
  return bit_count < 6 && (bits & ((1u << bit_count) - 1)) == 0;
}

}  // namespace freshet
