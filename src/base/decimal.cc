#include "base/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "base/check.h"

namespace freshet {
namespace {

__extension__ typedef __int128 Int128;

constexpr std::array<int64_t, kDecimalScaleMax + 1> kPowersOfTen = [] {
  std::array<int64_t, kDecimalScaleMax + 1> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

bool IsDecimalDigit(char c) {
  return c >= '0' && c <= '9';
}

// A number as it is written: 0.d1d2d3... times 10^exponent, where neither the first digit nor the last is 0.
struct Written {
  bool is_negative = false;
  std::string_view digits;  // may hold the point
  int64_t digit_count = 0;
  int64_t exponent = 0;
};

// Takes digits and at most one point off `text`. False when there is no digit.
bool TakeDigits(std::string_view& text, Written* written) {
  size_t end = 0;
  size_t point = std::string_view::npos;
  while (end < text.size() &&
         (IsDecimalDigit(text[end]) || (text[end] == '.' && point == text.npos))) {
    if (text[end] == '.') point = end;
    ++end;
  }
  const std::string_view all = text.substr(0, end);
  text.remove_prefix(end);
  if (all.find_first_of("0123456789") == all.npos) return false;
  const size_t first = all.find_first_of("123456789");
  if (first == all.npos) return true;
  const size_t last = all.find_last_of("123456789");
  written->digits = all.substr(first, last - first + 1);
  const bool holds_point = point != all.npos && point > first && point < last;
  written->digit_count = static_cast<int64_t>(written->digits.size()) - (holds_point ? 1 : 0);
  const size_t whole_end = std::min(point, all.size());
  written->exponent =
      static_cast<int64_t>(whole_end) - static_cast<int64_t>(first) + (first > whole_end ? 1 : 0);
  return true;
}

// Adds the exponent that is all of `text`. False when it is none.
bool TakeExponent(std::string_view text, Written* written) {
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), IsDecimalDigit)) return false;
  // Farther off than the digits of any text could bring back.
  constexpr int64_t kFarOff = int64_t{1} << 56;
  int64_t exponent = 0;
  for (const char digit : text) exponent = std::min(exponent * 10 + (digit - '0'), kFarOff);
  written->exponent += is_negative ? -exponent : exponent;
  return true;
}

bool ReadWritten(std::string_view text, Written* written) {
  written->is_negative = text.starts_with('-');
  if (written->is_negative || text.starts_with('+')) text.remove_prefix(1);
  return TakeDigits(text, written) && TakeExponent(text, written);
}

DecimalProblem ToUnscaled(const Written& written, uint8_t scale, int64_t* unscaled) {
  *unscaled = 0;
  if (written.digit_count == 0) return DecimalProblem::kNone;
  const int64_t zeros = written.exponent + scale - written.digit_count;
  if (zeros < 0) return DecimalProblem::kTooManyDigits;
  if (zeros > kDecimalScaleMax) return DecimalProblem::kOutOfRange;
  const int sign = written.is_negative ? -1 : 1;
  bool overflows = false;
  for (const char digit : written.digits) {
    if (digit == '.') continue;
    overflows = overflows || __builtin_mul_overflow(*unscaled, 10, unscaled) ||
                __builtin_add_overflow(*unscaled, sign * (digit - '0'), unscaled);
  }
  overflows = overflows ||
              __builtin_mul_overflow(*unscaled, PowerOfTen(static_cast<uint8_t>(zeros)), unscaled);
  return overflows ? DecimalProblem::kOutOfRange : DecimalProblem::kNone;
}

}  // namespace

std::string FormatDecimal(int64_t unscaled, uint8_t scale) {
  if (scale == 0) return fmt::format("{}", unscaled);
  const auto magnitude = unscaled < 0 ? uint64_t{0} - static_cast<uint64_t>(unscaled)
                                      : static_cast<uint64_t>(unscaled);
  const auto unit = static_cast<uint64_t>(PowerOfTen(scale));
  return fmt::format("{}{}.{:0{}}", unscaled < 0 ? "-" : "", magnitude / unit, magnitude % unit,
                     scale);
}

std::optional<int64_t> ParseDecimal(std::string_view text, uint8_t scale) {
  int64_t unscaled = 0;
  if (ReadDecimal(text, scale, &unscaled) != DecimalProblem::kNone) return std::nullopt;
  return unscaled;
}

std::string Describe(DecimalProblem problem, uint8_t scale) {
  switch (problem) {
    case DecimalProblem::kNone:
      break;
    case DecimalProblem::kNotANumber:
      return "not a number";
    case DecimalProblem::kTooManyDigits:
      if (scale == 0) return "digits after the point";
      return fmt::format("more than {} digit{} after the point", scale, scale == 1 ? "" : "s");
    case DecimalProblem::kOutOfRange:
      return fmt::format("beyond the range of {}", TypeName(Type::Decimal(scale)));
  }
  return {};
}

bool IsJsonNumber(std::string_view text) {
  const auto take = [&](std::string_view characters) {
    const bool found = !text.empty() && characters.find(text.front()) != characters.npos;
    if (found) text.remove_prefix(1);
    return found;
  };
  const auto take_digits = [&] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  take("-");
  // A zero in front stands alone.
  if (!take("0") && !take_digits()) return false;
  if (take(".") && !take_digits()) return false;
  if (take("eE")) {
    take("+-");
    if (!take_digits()) return false;
  }
  return text.empty();
}

DecimalProblem ReadDecimal(std::string_view text, uint8_t scale, int64_t* unscaled) {
  Written written;
  if (!ReadWritten(text, &written)) return DecimalProblem::kNotANumber;
  return ToUnscaled(written, scale, unscaled);
}

std::optional<Decimal> ReadDecimal(std::string_view text) {
  Written written;
  if (!ReadWritten(text, &written)) return std::nullopt;
  const int64_t fraction_digits = written.digit_count - written.exponent;
  if (written.digit_count > 0 && fraction_digits > kDecimalScaleMax) return std::nullopt;
  Decimal decimal;
  if (written.digit_count > 0)
    decimal.scale = static_cast<uint8_t>(std::max<int64_t>(fraction_digits, 0));
  if (ToUnscaled(written, decimal.scale, &decimal.unscaled) != DecimalProblem::kNone)
    return std::nullopt;
  return decimal;
}

int64_t PowerOfTen(uint8_t exponent) {
  FRESHET_CHECK(exponent < kPowersOfTen.size());
  return kPowersOfTen[exponent];
}

std::optional<int64_t> Rescale(int64_t unscaled, uint8_t from, uint8_t to) {
  if (from > to) {
    const int64_t divisor = PowerOfTen(from - to);
    if (unscaled % divisor != 0) return std::nullopt;
    return unscaled / divisor;
  }
  int64_t rescaled = 0;
  if (__builtin_mul_overflow(unscaled, PowerOfTen(to - from), &rescaled)) return std::nullopt;
  return rescaled;
}

std::strong_ordering CompareDecimals(Decimal a, Decimal b) {
  const uint8_t scale = std::max(a.scale, b.scale);
  return Int128{a.unscaled} * PowerOfTen(scale - a.scale) <=>
         Int128{b.unscaled} * PowerOfTen(scale - b.scale);
}

double DecimalToDouble(int64_t unscaled, uint8_t scale) {
  // Both are doubles, so that the division alone rounds.
  constexpr int64_t kExactMax = int64_t{1} << 53;
  if (unscaled >= -kExactMax && unscaled <= kExactMax)
    return static_cast<double>(unscaled) / static_cast<double>(PowerOfTen(scale));
  const std::string text = fmt::format("{}e-{}", unscaled, scale);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace freshet
