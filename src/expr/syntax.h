// The syntax tree: what the parser builds, the checker annotates and the emitter reads.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/datum.h"
#include "base/decimal.h"

namespace freshet::expr {

enum class SyntaxKind : uint8_t { kLiteral, kName, kList, kUnary, kBinary, kConditional, kCall };

enum class Operator : uint8_t {
  kNone,
  kNot,
  kNegate,
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
};

enum class Function : uint8_t {
  kHas,
  kSize,
  kContains,
  kStartsWith,
  kEndsWith,
  kMatches,
  kInt,
  kDouble,
  kString,
  kAbs,
  kCeil,
  kFloor,
  kRound,
  kSqrt,
  kLog,
  kExp,
  kPow,
  kLeast,
  kGreatest,
  kLowerAscii,
  kUpperAscii,
  kTrim,
  // The parts of a moment, in the order of TimePart.
  kGetFullYear,
  kGetMonth,
  kGetDate,
  kGetDayOfMonth,
  kGetDayOfWeek,
  kGetDayOfYear,
  kGetHours,
  kGetMinutes,
  kGetSeconds,
  kGetMilliseconds,
};

// What an expression yields when it does not yield null; kNull for one that always yields null.
enum class StaticType : uint8_t { kNull, kBool, kInt, kDouble, kString, kDecimal };

// Index into SyntaxTree::nodes.
using SyntaxIndex = uint32_t;

struct Syntax {
  SyntaxKind kind = SyntaxKind::kLiteral;
  Operator op = Operator::kNone;  // kUnary, kBinary
  bool is_method = false;         // kCall: x.f(...); x is the first child
  size_t offset = 0;              // of the operator, or of the first byte of what is not one
  size_t begin = 0;  // where it stands in the text, operands and all; parentheses round
  size_t end = 0;    // it do not count
  Datum literal;     // kLiteral
  std::optional<Decimal>
      exact;         // kLiteral: what a number with a point spells, where a decimal holds it
  std::string name;  // kName, dots and all; kCall: the function
  // Operands in the order of the text.
  std::vector<SyntaxIndex> children;

  // Filled by the checker.
  StaticType type = StaticType::kNull;
  uint8_t scale = 0;                   // of a decimal
  size_t variable = 0;                 // kName
  Function function = Function::kHas;  // kCall
};

struct SyntaxTree {
  std::vector<Syntax> nodes;
  SyntaxIndex root = 0;
  // What the literals borrow from; a deque never moves its elements.
  std::deque<std::string> texts;
};

// The type of a checked node, for messages: "null", "int", "decimal(2)", ...
std::string_view TypeWord(const Syntax& node);

// "==", "!", "in", ...
std::string_view OperatorSpelling(Operator op);

}  // namespace freshet::expr
