#include "base/decimal.h"

#include <cstdlib>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "support/seed.h"

namespace freshet {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

DecimalProblem ProblemOf(std::string_view text, uint8_t scale) {
  int64_t unscaled = 0;
  return ReadDecimal(text, scale, &unscaled);
}

TEST(Decimal, ReadsWhatIsWritten) {
  const struct {
    const char* text;
    uint8_t scale;
    int64_t unscaled;
  } cases[] = {
      {"12.34", 2, 1234},
      {"-12.34", 2, -1234},
      {"+12.34", 2, 1234},
      {"12", 2, 1200},
      {"12.", 2, 1200},
      {".5", 2, 50},
      {"-.05", 2, -5},
      {"0", 2, 0},
      {"-0.00", 2, 0},
      {"0e999999999999999999999", 2, 0},
      {"007.50", 2, 750},
      {"12.3400000000000000000000000", 2, 1234},
      {"000000000000000000000000012.34", 2, 1234},
      {"1e2", 2, 10'000},
      {"1234E-2", 2, 1234},
      {"0.0001234e5", 2, 1234},
      {"100e-2", 0, 1},
      {"9223372036854775807", 0, kMax},
      {"-9223372036854775808", 0, kMin},
      {"92233720368547758.07", 2, kMax},
      {"-9.223372036854775808", 18, kMin},
      {"0.000000000000000001", 18, 1},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    EXPECT_EQ(ParseDecimal(each.text, each.scale), each.unscaled);
  }
}

TEST(Decimal, SaysWhyItCannotRead) {
  for (const char* text : {"", "-", ".", "e5", "1e", "1e+", "1.2.3", "1,5", " 1", "1 ", "0x10",
                           "NaN", "Infinity", "--1", "1-", "1e5.0", "12.34x"})
    EXPECT_EQ(ProblemOf(text, 2), DecimalProblem::kNotANumber) << text;
  for (const char* text :
       {"12.345", "0.001", "1e-3", "123456789.123456789", "1e-999999999999999999999"})
    EXPECT_EQ(ProblemOf(text, 2), DecimalProblem::kTooManyDigits) << text;
  for (const char* text : {"92233720368547758.08", "-92233720368547758.09", "1e17", "1e400",
                           "1e999999999999999999999", "123456789012345678901234567890"})
    EXPECT_EQ(ProblemOf(text, 2), DecimalProblem::kOutOfRange) << text;
  EXPECT_EQ(Describe(DecimalProblem::kTooManyDigits, 2), "more than 2 digits after the point");
  EXPECT_EQ(Describe(DecimalProblem::kTooManyDigits, 0), "digits after the point");
  EXPECT_EQ(Describe(DecimalProblem::kOutOfRange, 2), "beyond the range of decimal(2)");
}

TEST(Decimal, IsWrittenWithAllItsDigits) {
  EXPECT_EQ(FormatDecimal(1234, 2), "12.34");
  EXPECT_EQ(FormatDecimal(1230, 2), "12.30");
  EXPECT_EQ(FormatDecimal(-5, 2), "-0.05");
  EXPECT_EQ(FormatDecimal(0, 2), "0.00");
  EXPECT_EQ(FormatDecimal(-7, 0), "-7");
  EXPECT_EQ(FormatDecimal(kMin, 18), "-9.223372036854775808");
  EXPECT_EQ(FormatDecimal(kMax, 2), "92233720368547758.07");
}

TEST(Decimal, FindsTheLeastScaleThatHoldsAText) {
  const auto is = [](std::string_view text, int64_t unscaled, uint8_t scale) {
    const std::optional<Decimal> found = ReadDecimal(text);
    return found.has_value() && found->unscaled == unscaled && found->scale == scale;
  };
  EXPECT_TRUE(is("10.50", 105, 1));
  EXPECT_TRUE(is("1e3", 1000, 0));
  EXPECT_TRUE(is("1.5e-3", 15, 4));
  EXPECT_TRUE(is("0.0", 0, 0));
  EXPECT_FALSE(ReadDecimal("1e-19").has_value());
  EXPECT_FALSE(ReadDecimal("1e30").has_value());
  EXPECT_FALSE(ReadDecimal("x").has_value());
}

TEST(Decimal, ChangesItsScaleExactlyOrNotAtAll) {
  EXPECT_EQ(Rescale(1234, 2, 4), 123400);
  EXPECT_EQ(Rescale(1230, 2, 1), 123);
  EXPECT_EQ(Rescale(1234, 2, 1), std::nullopt);
  EXPECT_EQ(Rescale(kMax, 0, 1), std::nullopt);
  EXPECT_EQ(Rescale(9, 0, 18), 9'000'000'000'000'000'000);
  EXPECT_EQ(Rescale(kMin, 18, 18), kMin);
}

TEST(Decimal, IsComparedByValue) {
  EXPECT_TRUE(CompareDecimals({1050, 2}, {105, 1}) == 0);
  EXPECT_TRUE(CompareDecimals({1050, 2}, {1051, 2}) < 0);
  EXPECT_TRUE(CompareDecimals({kMax, 0}, {kMax, 18}) > 0);
  EXPECT_TRUE(CompareDecimals({kMin, 0}, {kMin, 18}) < 0);
}

TEST(Decimal, BecomesTheNearestDouble) {
  EXPECT_EQ(DecimalToDouble(1234, 2), 12.34);
  EXPECT_EQ(DecimalToDouble(-1, 18), -1e-18);
  std::mt19937_64 random(TestSeed());
  for (int i = 0; i < 100'000; ++i) {
    const auto unscaled = static_cast<int64_t>(random()) >> (random() % 64);
    const auto scale = static_cast<uint8_t>(random() % (kDecimalScaleMax + 1));
    const std::string text = std::to_string(unscaled) + "e-" + std::to_string(scale);
    ASSERT_EQ(DecimalToDouble(unscaled, scale), std::strtod(text.c_str(), nullptr)) << text;
  }
}

// The point is put into the digits by hand.
std::string Written(int64_t unscaled, uint8_t scale) {
  std::string digits = std::to_string(unscaled);
  const bool is_negative = digits[0] == '-';
  if (is_negative) digits.erase(0, 1);
  while (digits.size() <= scale) digits.insert(0, 1, '0');
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  return (is_negative ? "-" : "") + digits;
}

TEST(Decimal, GoesToTextAndBack) {
  std::mt19937_64 random(TestSeed());
  for (int i = 0; i < 100'000; ++i) {
    const auto unscaled = static_cast<int64_t>(random()) >> (random() % 64);
    const auto scale = static_cast<uint8_t>(random() % (kDecimalScaleMax + 1));
    const std::string text = Written(unscaled, scale);
    ASSERT_EQ(FormatDecimal(unscaled, scale), text);
    ASSERT_EQ(ParseDecimal(text, scale), unscaled) << text;
    // The same number with its point elsewhere.
    const auto shift = static_cast<int>(random() % 40) - 20;
    const std::string shifted = std::to_string(unscaled) + "e" + std::to_string(shift - scale);
    if (shift == 0) {
      ASSERT_EQ(ParseDecimal(shifted, scale), unscaled) << shifted;
    } else if (shift < 0 && unscaled % 10 != 0) {
      ASSERT_EQ(ProblemOf(shifted, scale), DecimalProblem::kTooManyDigits) << shifted;
    }
    if (shift > 0) {
      const std::string zeros(static_cast<size_t>(shift), '0');
      ASSERT_EQ(
          ParseDecimal(shifted, scale),
          ParseDecimal(std::to_string(unscaled) + zeros + "e-" + std::to_string(scale), scale))
          << shifted;
    }
  }
}

TEST(JsonNumber, IsWhatTheGrammarSays) {
  for (const char* text : {"0", "-0", "12", "-1.5", "1e5", "1.25E-7", "0.0", "10e+2"})
    EXPECT_TRUE(IsJsonNumber(text)) << text;
  for (const char* text : {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "1x", "0x1", "--1", "NaN"})
    EXPECT_FALSE(IsJsonNumber(text)) << text;
}

}  // namespace
}  // namespace freshet
