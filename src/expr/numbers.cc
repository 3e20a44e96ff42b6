#include "expr/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"

namespace freshet::expr {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

// Without the plus that std::from_chars does not know.
std::string_view WithoutPlus(std::string_view text) {
  bool has_plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return has_plus ? text.substr(1) : text;
}

// All of the text, or invalid_argument; out of range as std::from_chars has it.
template <typename T>
std::errc ParseWhole(std::string_view text, T* value) {
  auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return stop == text.data() + text.size() ? code : std::errc::invalid_argument;
}

// The exponent that a decimal number has as 0.d1d2d3... with d1 not zero; `text` is well-formed.
int64_t DecimalExponent(std::string_view text) {
  size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
  std::string_view digits = text.substr(0, exponent_at);
  size_t point = std::min(digits.find('.'), digits.size());
  size_t first = std::min(digits.find_first_of("123456789"), digits.size());
  int64_t shift = static_cast<int64_t>(point) - static_cast<int64_t>(first) + (first > point);
  if (exponent_at == text.size()) return shift;

  std::string_view exponent = WithoutPlus(text.substr(exponent_at + 1));
  int64_t written = 0;
  if (ParseWhole(exponent, &written) == std::errc()) {
    constexpr int64_t kFarOff = int64_t{1} << 62;
    return std::clamp(written, -kFarOff, kFarOff) + shift;
  }
  return exponent[0] == '-' ? INT64_MIN : INT64_MAX;
}

template <typename T>
std::string_view Format(T value, std::span<char, kNumberTextBytesMax> buffer) {
  auto written = fmt::format_to_n(buffer.data(), buffer.size(), "{}", value);
  FRESHET_CHECK(written.size <= buffer.size());
  return {buffer.data(), written.size};
}

}  // namespace

std::partial_ordering CompareExactly(int64_t integer, double number) {
  if (std::isnan(number)) return std::partial_ordering::unordered;
  if (number >= kTwoTo63) return std::partial_ordering::less;
  if (number < -kTwoTo63) return std::partial_ordering::greater;
  auto whole = static_cast<int64_t>(number);
  if (integer != whole) return integer <=> whole;
  // A double with a fraction is small enough for its whole part to be exact as a double.
  return 0.0 <=> number - static_cast<double>(whole);
}

std::optional<int64_t> Truncate(double number) {
  bool fits = number > -kTwoTo63 && number < kTwoTo63;
  if (!fits) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::optional<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  if (ParseWhole(WithoutPlus(text), &value) != std::errc()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  // std::from_chars takes "nan(...)" for a number.
  if (text.find('(') != text.npos) return std::nullopt;
  std::string_view unsigned_text = WithoutPlus(text);
  double value = 0;
  std::errc code = ParseWhole(unsigned_text, &value);
  if (code == std::errc()) return value;
  // It calls too small what rounds to zero.
  bool too_small = code == std::errc::result_out_of_range && DecimalExponent(unsigned_text) < 0;
  if (!too_small) return std::nullopt;
  return unsigned_text[0] == '-' ? -0.0 : 0.0;
}

std::string_view FormatInt(int64_t value, std::span<char, kNumberTextBytesMax> buffer) {
  return Format(value, buffer);
}

std::string_view FormatDouble(double value, std::span<char, kNumberTextBytesMax> buffer) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return Format(value, buffer);
}

}  // namespace freshet::expr
