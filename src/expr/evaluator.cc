#include "expr/evaluator.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstdlib>
#include <string>

#include <re2/re2.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/utf8.h"
#include "expr/numbers.h"
#include "expr/time_parts.h"

namespace freshet::expr {
namespace {

constexpr const char* kNullValue = "null value";
constexpr const char* kIntegerOverflow = "integer overflow";
constexpr const char* kDivisionByZero = "division by zero";
constexpr const char* kModulusByZero = "modulus by zero";
constexpr const char* kDoubleOutOfRange = "double out of the range of int";
constexpr const char* kNotAnInt = "string is not an int";
constexpr const char* kNotADouble = "string is not a double";
constexpr const char* kStringTooLong = "string too long";
constexpr const char* kTimeOutOfRange = "time out of the years 1 to 9999";

// Neither is null.
std::partial_ordering Compare(const Datum& a, const Datum& b) {
  switch (a.kind()) {
    case Datum::Kind::kString:
      return a.as_string() <=> b.as_string();
    case Datum::Kind::kDouble:
      if (b.kind() == Datum::Kind::kDouble) return a.as_double() <=> b.as_double();
      return 0 <=> CompareExactly(b.as_int(), a.as_double());
    default:
      if (b.kind() == Datum::Kind::kDouble) return CompareExactly(a.as_int(), b.as_double());
      return a.as_int() <=> b.as_int();
  }
}

bool AreEqual(const Datum& a, const Datum& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a.kind() == Datum::Kind::kString) return a.as_string() == b.as_string();
  return Compare(a, b) == 0;
}

// One evaluation. While error_ is set what Operand and Apply return has no meaning.
class Evaluator {
 public:
  Evaluator(const Code& code, const Datum* values, Scratch::Rep& scratch)
      : code_(code),
        instructions_(code.instructions.data()),
        constants_(code.constants.data()),
        values_(values),
        scratch_(scratch) {}

  Evaluation Run(uint32_t instruction) {
    Datum value = Operand(instruction);
    if (error_ != nullptr) return {Datum::Null(), error_};
    return {value, nullptr};
  }

 private:
  Datum Fail(const char* error) {
    error_ = error;
    return {};
  }

  // The leaves are here, so that they cost no call.
  Datum Operand(uint32_t index) {
    const Instruction& instruction = instructions_[index];
    if (instruction.op == Op::kVariable) {
      const Datum& value = values_[instruction.a];
      FRESHET_CHECK(value.is_null() || static_cast<uint32_t>(value.kind()) == instruction.b);
      return value;
    }
    if (instruction.op == Op::kConstant) return constants_[instruction.a];
    return Apply(instruction);
  }

  // Calls `function` with the value of `a`, which is not null.
  template <typename Apply1>
  Datum Unary(const Instruction& instruction, Apply1 function) {
    Datum a = Operand(instruction.a);
    if (error_ != nullptr) return {};
    if (a.is_null()) return Fail(kNullValue);
    return function(a);
  }

  // Calls `function` with the values of `a` and `b`, which are not null.
  template <typename Apply2>
  Datum Binary(const Instruction& instruction, Apply2 function) {
    Datum a = Operand(instruction.a);
    if (error_ != nullptr) return {};
    Datum b = Operand(instruction.b);
    if (error_ != nullptr) return {};
    if (a.is_null() || b.is_null()) return Fail(kNullValue);
    return function(a, b);
  }

  template <typename Combine>
  Datum Doubles(const Instruction& instruction, Combine combine) {
    return Binary(instruction, [&](const Datum& a, const Datum& b) {
      return Datum::Double(combine(a.as_double(), b.as_double()));
    });
  }

  // `combine` answers true on overflow, as the compiler's checked arithmetic does.
  template <typename Combine>
  Datum Ints(const Instruction& instruction, Combine combine) {
    return Binary(instruction, [&](const Datum& a, const Datum& b) {
      int64_t result = 0;
      if (combine(a.as_int(), b.as_int(), &result)) return Fail(kIntegerOverflow);
      return Datum::Int(result);
    });
  }

  template <typename Test>
  Datum Strings(const Instruction& instruction, Test test) {
    return Binary(instruction, [&](const Datum& a, const Datum& b) {
      return Datum::Bool(test(a.as_string(), b.as_string()));
    });
  }

  template <typename Test>
  Datum Ordered(const Instruction& instruction, Test test) {
    return Binary(instruction,
                  [&](const Datum& a, const Datum& b) { return Datum::Bool(test(Compare(a, b))); });
  }

  Datum Apply(const Instruction& instruction) {
    switch (instruction.op) {
      case Op::kConstant:
      case Op::kVariable:
        break;
      case Op::kHas:
        return Datum::Bool(!values_[instruction.a].is_null());
      case Op::kNot:
        return Unary(instruction, [](const Datum& a) { return Datum::Bool(!a.as_bool()); });
      case Op::kOr:
        return Logic(instruction, true);
      case Op::kAnd:
        return Logic(instruction, false);
      case Op::kConditional:
        return Conditional(instruction);
      case Op::kEqual:
        return Equal(instruction, true);
      case Op::kNotEqual:
        return Equal(instruction, false);
      case Op::kLess:
        return Ordered(instruction, [](std::partial_ordering order) { return order < 0; });
      case Op::kLessEqual:
        return Ordered(instruction, [](std::partial_ordering order) { return order <= 0; });
      case Op::kGreater:
        return Ordered(instruction, [](std::partial_ordering order) { return order > 0; });
      case Op::kGreaterEqual:
        return Ordered(instruction, [](std::partial_ordering order) { return order >= 0; });
      case Op::kIn:
        return In(instruction);
      case Op::kInConstants:
        return InConstants(instruction);
      case Op::kOrderDecimals:
        return Binary(instruction, [&](const Datum& a, const Datum& b) {
          return Datum::Int(OrderOfDecimals(instruction, a, b));
        });
      case Op::kMatchDecimals:
        return MatchDecimals(instruction);
      default:
        if (instruction.op <= Op::kDivideDouble) return Arithmetic(instruction);
        return instruction.op < Op::kConcatenate ? Math(instruction) : Text(instruction);
    }
    CheckFailed(__FILE__, __LINE__, "leaves are handled where they are operands");
  }

  // && and ||: the operand that decides alone does so whatever becomes of the other one.
  Datum Logic(const Instruction& instruction, bool deciding) {
    const char* left_error = LogicOperand(instruction.a, deciding);
    if (decided_) return Datum::Bool(deciding);
    const char* right_error = LogicOperand(instruction.b, deciding);
    if (decided_) return Datum::Bool(deciding);
    if (left_error != nullptr) return Fail(left_error);
    if (right_error != nullptr) return Fail(right_error);
    return Datum::Bool(!deciding);
  }

  // Sets decided_ when the operand is `deciding`; else answers the operand's error, if it has one.
  const char* LogicOperand(uint32_t index, bool deciding) {
    Datum value = Operand(index);
    decided_ = error_ == nullptr && !value.is_null() && value.as_bool() == deciding;
    const char* error = error_ == nullptr && value.is_null() ? kNullValue : error_;
    error_ = nullptr;
    return error;
  }

  Datum Conditional(const Instruction& instruction) {
    Datum condition = Operand(instruction.a);
    if (error_ != nullptr) return {};
    if (condition.is_null()) return Fail(kNullValue);
    return Operand(condition.as_bool() ? instruction.b : instruction.c);
  }

  Datum Equal(const Instruction& instruction, bool wanted) {
    Datum a = Operand(instruction.a);
    if (error_ != nullptr) return {};
    Datum b = Operand(instruction.b);
    return Datum::Bool(AreEqual(a, b) == wanted);
  }

  // All elements are evaluated: an error in one of them is an error of the list.
  Datum In(const Instruction& instruction) {
    Datum wanted = Operand(instruction.a);
    bool found = false;
    for (uint32_t i = 0; i < instruction.c && error_ == nullptr; ++i) {
      Datum element = Operand(code_.elements[instruction.b + i]);
      found = found || (error_ == nullptr && AreEqual(wanted, element));
    }
    return Datum::Bool(found);
  }

  Datum InConstants(const Instruction& instruction) {
    Datum wanted = Operand(instruction.a);
    if (error_ != nullptr) return {};
    const Datum* first = constants_ + instruction.b;
    for (const Datum* element = first; element != first + instruction.c; ++element) {
      if (AreEqual(wanted, *element)) return Datum::Bool(true);
    }
    return Datum::Bool(false);
  }

  static int64_t OrderOfDecimals(const Instruction& instruction, const Datum& a, const Datum& b) {
    const std::strong_ordering order =
        CompareDecimals({a.as_int(), static_cast<uint8_t>(instruction.c)},
                        {b.as_int(), static_cast<uint8_t>(instruction.c >> 8)});
    return order < 0 ? -1 : order > 0;
  }

  Datum MatchDecimals(const Instruction& instruction) {
    Datum a = Operand(instruction.a);
    if (error_ != nullptr) return {};
    Datum b = Operand(instruction.b);
    if (a.is_null() || b.is_null()) return Datum::Int(a.is_null() && b.is_null() ? 0 : 1);
    return Datum::Int(OrderOfDecimals(instruction, a, b));
  }

  Datum Arithmetic(const Instruction& instruction) {
    switch (instruction.op) {
      case Op::kNegateInt:
        return Unary(instruction, [this](const Datum& a) {
          if (a.as_int() == INT64_MIN) return Fail(kIntegerOverflow);
          return Datum::Int(-a.as_int());
        });
      case Op::kAddInt:
        return Ints(instruction, [](int64_t a, int64_t b, int64_t* to) {
          return __builtin_add_overflow(a, b, to);
        });
      case Op::kSubtractInt:
        return Ints(instruction, [](int64_t a, int64_t b, int64_t* to) {
          return __builtin_sub_overflow(a, b, to);
        });
      case Op::kMultiplyInt:
        return Ints(instruction, [](int64_t a, int64_t b, int64_t* to) {
          return __builtin_mul_overflow(a, b, to);
        });
      case Op::kDivideInt:
        return DivideInts(instruction, kDivisionByZero);
      case Op::kModuloInt:
        return DivideInts(instruction, kModulusByZero);
      case Op::kNegateDouble:
        return Unary(instruction, [](const Datum& a) { return Datum::Double(-a.as_double()); });
      case Op::kAddDouble:
        return Doubles(instruction, [](double a, double b) { return a + b; });
      case Op::kSubtractDouble:
        return Doubles(instruction, [](double a, double b) { return a - b; });
      case Op::kMultiplyDouble:
        return Doubles(instruction, [](double a, double b) { return a * b; });
      default:
        return Doubles(instruction, [](double a, double b) { return a / b; });
    }
  }

  Datum Math(const Instruction& instruction) {
    switch (instruction.op) {
      case Op::kAbsInt:
        return Unary(instruction, [this](const Datum& a) {
          if (a.as_int() == INT64_MIN) return Fail(kIntegerOverflow);
          return Datum::Int(std::abs(a.as_int()));
        });
      case Op::kLeastInt:
        return Ints(instruction, [](int64_t a, int64_t b, int64_t* to) {
          *to = std::min(a, b);
          return false;
        });
      case Op::kGreatestInt:
        return Ints(instruction, [](int64_t a, int64_t b, int64_t* to) {
          *to = std::max(a, b);
          return false;
        });
      case Op::kLeastDouble:
        return Doubles(instruction, [](double a, double b) { return b < a || b != b ? b : a; });
      case Op::kGreatestDouble:
        return Doubles(instruction, [](double a, double b) { return b > a || b != b ? b : a; });
      case Op::kPow:
        return Doubles(instruction, [](double a, double b) { return std::pow(a, b); });
      default:
        return Unary(instruction, [&](const Datum& a) {
          return Datum::Double(MathOf(instruction.op, a.as_double()));
        });
    }
  }

  static double MathOf(Op op, double a) {
    switch (op) {
      case Op::kAbsDouble:
        return std::abs(a);
      case Op::kCeil:
        return std::ceil(a);
      case Op::kFloor:
        return std::floor(a);
      case Op::kRound:
        return std::round(a);
      case Op::kSqrt:
        return std::sqrt(a);
      case Op::kLog:
        return std::log(a);
      default:
        return std::exp(a);
    }
  }

  Datum DivideInts(const Instruction& instruction, const char* by_zero) {
    return Binary(instruction, [&](const Datum& a, const Datum& b) {
      if (b.as_int() == 0) return Fail(by_zero);
      if (a.as_int() == INT64_MIN && b.as_int() == -1) return Fail(kIntegerOverflow);
      bool modulo = instruction.op == Op::kModuloInt;
      return Datum::Int(modulo ? a.as_int() % b.as_int() : a.as_int() / b.as_int());
    });
  }

  Datum Text(const Instruction& instruction) {
    switch (instruction.op) {
      case Op::kConcatenate:
        return Binary(instruction, [this](const Datum& a, const Datum& b) {
          return Built(scratch_.Concatenate(a.as_string(), b.as_string()));
        });
      case Op::kSize:
        return Unary(instruction,
                     [](const Datum& a) { return Datum::Int(CountCodePoints(a.as_string())); });
      case Op::kContains:
        return Strings(instruction,
                       [](std::string_view a, std::string_view b) { return a.find(b) != a.npos; });
      case Op::kStartsWith:
        return Strings(instruction,
                       [](std::string_view a, std::string_view b) { return a.starts_with(b); });
      case Op::kEndsWith:
        return Strings(instruction,
                       [](std::string_view a, std::string_view b) { return a.ends_with(b); });
      case Op::kMatches:
        return Unary(instruction, [&](const Datum& a) {
          re2::StringPiece text(a.as_string().data(), a.as_string().size());
          return Datum::Bool(RE2::PartialMatch(text, *code_.patterns[instruction.b]));
        });
      case Op::kTimePart:
        return Unary(instruction, [&](const Datum& a) {
          const std::optional<int64_t> part = TimePartOf(static_cast<TimePart>(instruction.c),
                                                         a.as_int(), code_.zones[instruction.b]);
          return part.has_value() ? Datum::Int(*part) : Fail(kTimeOutOfRange);
        });
      case Op::kLowerAscii:
        return Unary(instruction, [&](const Datum& a) { return Cased(a.as_string(), 'A', 'Z'); });
      case Op::kUpperAscii:
        return Unary(instruction, [&](const Datum& a) { return Cased(a.as_string(), 'a', 'z'); });
      case Op::kTrim:
        return Unary(instruction,
                     [](const Datum& a) { return Datum::String(Trimmed(a.as_string())); });
      default:
        return Conversion(instruction);
    }
  }

  // Turns the letters from `first` to `last` to the other case.
  Datum Cased(std::string_view text, char first, char last) {
    std::string cased(text);
    for (char& letter : cased) {
      if (letter >= first && letter <= last) letter = static_cast<char>(letter ^ 0x20);
    }
    return Built(scratch_.Copy(cased));
  }

  static std::string_view Trimmed(std::string_view text) {
    constexpr std::string_view kSpaces = " \t\n\v\f\r";
    const size_t begin = text.find_first_not_of(kSpaces);
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
  }

  Datum Built(std::optional<std::string_view> text) {
    return text.has_value() ? Datum::String(*text) : Fail(kStringTooLong);
  }

  Datum Conversion(const Instruction& instruction) {
    Datum a = Operand(instruction.a);
    if (error_ != nullptr) return {};
    const bool passes_null = instruction.op == Op::kWiden || instruction.op == Op::kRescale;
    if (passes_null && a.is_null()) return a;
    if (a.is_null()) return Fail(kNullValue);
    char buffer[kNumberTextBytesMax];
    switch (instruction.op) {
      case Op::kWiden:
      case Op::kIntToDouble:
        return Datum::Double(static_cast<double>(a.as_int()));
      case Op::kRescale: {
        const std::optional<int64_t> units =
            Rescale(a.as_int(), 0, static_cast<uint8_t>(instruction.b));
        return units.has_value() ? Datum::Int(*units) : Fail(kIntegerOverflow);
      }
      case Op::kDecimalToInt:
        return Datum::Int(a.as_int() / PowerOfTen(static_cast<uint8_t>(instruction.b)));
      case Op::kDecimalToDouble:
        return Datum::Double(DecimalToDouble(a.as_int(), static_cast<uint8_t>(instruction.b)));
      case Op::kDecimalToString:
        return Built(scratch_.Copy(FormatDecimal(a.as_int(), static_cast<uint8_t>(instruction.b))));
      case Op::kDoubleToInt: {
        std::optional<int64_t> value = Truncate(a.as_double());
        return value.has_value() ? Datum::Int(*value) : Fail(kDoubleOutOfRange);
      }
      case Op::kStringToInt: {
        std::optional<int64_t> value = ParseInt(a.as_string());
        return value.has_value() ? Datum::Int(*value) : Fail(kNotAnInt);
      }
      case Op::kStringToDouble: {
        std::optional<double> value = ParseDouble(a.as_string());
        return value.has_value() ? Datum::Double(*value) : Fail(kNotADouble);
      }
      case Op::kIntToString:
        return Built(scratch_.Copy(FormatInt(a.as_int(), buffer)));
      case Op::kDoubleToString:
        return Built(scratch_.Copy(FormatDouble(a.as_double(), buffer)));
      case Op::kBoolToString:
        return Datum::String(a.as_bool() ? "true" : "false");
      default:
        return a;
    }
  }

  const Code& code_;
  const Instruction* const instructions_;
  const Datum* const constants_;
  const Datum* const values_;
  Scratch::Rep& scratch_;
  const char* error_ = nullptr;
  bool decided_ = false;
};

}  // namespace

Code::Code() = default;
Code::~Code() = default;

Evaluation Run(const Code& code, uint32_t instruction, std::span<const Datum> values,
               Scratch::Rep& scratch) {
  scratch.Reset();
  return Evaluator(code, values.data(), scratch).Run(instruction);
}

}  // namespace freshet::expr
