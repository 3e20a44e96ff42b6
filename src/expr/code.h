// What a program is once compiled: a flat tree of typed instructions.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "base/datum.h"

namespace re2 {
class RE2;
}

namespace freshet::expr {

enum class Op : uint8_t {
  kConstant,  // a: constant
  kVariable,  // a: position of the value, b: the Datum::Kind that it has when it is not null
  kHas,       // a: position of the value
  // From here on a, b and c are instructions unless it says otherwise.
  kNot,
  kOr,
  kAnd,
  kConditional,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,           // b: the first element in Code::elements, c: how many
  kInConstants,  // b: the first element in Code::constants, c: how many
  // Two decimals of different scales by their values, as an int: less than 0, 0 or more. Null is an
  // error of the first, and of the second a value that equals itself alone.
  kOrderDecimals,  // c: the scales, that of b shifted by 8
  kMatchDecimals,  // as kOrderDecimals
  kNegateInt,
  kAddInt,
  kSubtractInt,
  kMultiplyInt,
  kDivideInt,
  kModuloInt,
  kNegateDouble,
  kAddDouble,
  kSubtractDouble,
  kMultiplyDouble,
  kDivideDouble,
  kAbsInt,
  kAbsDouble,
  kCeil,
  kFloor,
  kRound,
  kSqrt,
  kLog,
  kExp,
  kPow,
  kLeastInt,
  kLeastDouble,
  kGreatestInt,
  kGreatestDouble,
  kConcatenate,
  kSize,
  kContains,
  kStartsWith,
  kEndsWith,
  kMatches,   // b: pattern
  kTimePart,  // b: zone, c: the TimePart
  kLowerAscii,
  kUpperAscii,
  kTrim,
  kRequireValue,  // a conversion to the type that the value already has
  kWiden,         // int to double where they meet: null stays null
  kRescale,       // int or decimal to a decimal of b more digits: null stays null
  kIntToDouble,
  kDoubleToInt,
  kStringToInt,
  kStringToDouble,
  kIntToString,
  kDoubleToString,
  kBoolToString,
  kDecimalToInt,     // b: the scale
  kDecimalToDouble,  // b: the scale
  kDecimalToString,  // b: the scale
};

struct Instruction {
  Op op = Op::kConstant;
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
};

// Of nodes that have no instruction of their own.
inline constexpr uint32_t kNoInstruction = UINT32_MAX;

struct Code {
  Code();
  ~Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  std::vector<Instruction> instructions;
  uint32_t root = 0;
  std::vector<Datum> constants;
  std::vector<uint32_t> elements;  // of lists: instructions
  std::vector<std::unique_ptr<re2::RE2>> patterns;
  std::vector<absl::TimeZone> zones;
  std::deque<std::string> texts;  // what the constants borrow from
  // Of each node of the tree, for those who want to see its value.
  std::vector<uint32_t> instruction_of_node;
};

}  // namespace freshet::expr
