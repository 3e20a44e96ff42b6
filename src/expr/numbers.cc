#include "expr/numbers.h"

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

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T value{};
  auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
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
  return ParseWhole<int64_t>(WithoutPlus(text));
}

std::optional<double> ParseDouble(std::string_view text) {
  if (text.find('(') != text.npos) return std::nullopt;
  return ParseWhole<double>(WithoutPlus(text));
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
