// Comparison of numbers and their conversion from and to text.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace freshet::expr {

// By the exact values, without rounding the int; unordered against NaN.
std::partial_ordering CompareExactly(int64_t integer, double number);

// Towards zero; nothing for what lies outside of the ints, both ends included, and for NaN.
std::optional<int64_t> Truncate(double number);

// Decimal, with or without a sign, nothing around it; nothing when it does not fit.
std::optional<int64_t> ParseInt(std::string_view text);

// Decimal with fraction and exponent, "NaN", "Infinity", "-Infinity"; nothing when it is too large. What
// is too small is zero.
std::optional<double> ParseDouble(std::string_view text);

// Enough for every number as text.
inline constexpr size_t kNumberTextBytesMax = 32;

// Written into `buffer`; the text of a double is the shortest that ParseDouble reads back as the
// same.
std::string_view FormatInt(int64_t value, std::span<char, kNumberTextBytesMax> buffer);
std::string_view FormatDouble(double value, std::span<char, kNumberTextBytesMax> buffer);

}  // namespace freshet::expr
