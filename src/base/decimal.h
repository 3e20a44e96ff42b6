// Decimals: exact numbers that are an int64 count of units of 10^-scale. The scale belongs to the type; only
// where values come in, go out, or meet others does it matter.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/value.h"

namespace freshet {

enum class DecimalProblem : uint8_t {
  kNone,
  kNotANumber,
  kTooManyDigits,  // after the point, zeros aside
  kOutOfRange,
};

// "not a number", "more than 2 digits after the point" (of 0: "digits after the point"), "beyond the
// range of decimal(2)".
std::string Describe(DecimalProblem problem, uint8_t scale);

// As ParseDecimal, and why not. Sets *unscaled for kNone.
DecimalProblem ReadDecimal(std::string_view text, uint8_t scale, int64_t* unscaled);

struct Decimal {
  int64_t unscaled = 0;
  uint8_t scale = 0;
};
// The text as a decimal of the least scale that holds it; nothing when none does.
std::optional<Decimal> ReadDecimal(std::string_view text);

// Whether the text is a number as JSON spells it.
bool IsJsonNumber(std::string_view text);

// 10^exponent; at most 18.
int64_t PowerOfTen(uint8_t exponent);

// The same number with another scale; nothing when it has more digits after the point or does not fit.
std::optional<int64_t> Rescale(int64_t unscaled, uint8_t from, uint8_t to);

std::strong_ordering CompareDecimals(Decimal a, Decimal b);

// The nearest double.
double DecimalToDouble(int64_t unscaled, uint8_t scale);

}  // namespace freshet
