#include "expr/oracle.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <regex>

#include <fmt/format.h>

namespace freshet::expr {
namespace {

using Outcome = std::optional<Value>;

bool IsNull(const Value& value) {
  return value.index() == 0;
}

static_assert(std::numeric_limits<long double>::digits >= 64,
              "a long double holds every int64 and every double exactly");
long double Number(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  return std::get<double>(value);
}

bool IsText(const Value& value) {
  return std::holds_alternative<std::string>(value);
}
bool IsFlag(const Value& value) {
  return std::holds_alternative<bool>(value);
}
bool IsInt(const Value& value) {
  return std::holds_alternative<int64_t>(value);
}

bool Equal(const Value& a, const Value& b) {
  if (IsNull(a) || IsNull(b)) return IsNull(a) && IsNull(b);
  if (IsText(a)) return std::get<std::string>(a) == std::get<std::string>(b);
  if (IsFlag(a)) return std::get<bool>(a) == std::get<bool>(b);
  return Number(a) == Number(b);
}

template <typename T>
bool Ordered(const std::string& word, const T& a, const T& b) {
  if (word == "<") return a < b;
  if (word == "<=") return a <= b;
  return word == ">" ? a > b : a >= b;
}

Value Order(const std::string& word, const Value& a, const Value& b) {
  if (IsText(a)) return Ordered(word, std::get<std::string>(a), std::get<std::string>(b));
  if (IsFlag(a)) return Ordered(word, std::get<bool>(a), std::get<bool>(b));
  return Ordered(word, Number(a), Number(b));
}

// Wide enough for every sum and product of ints.
__extension__ typedef __int128 Wide;

Outcome IntArithmetic(char op, Wide a, Wide b) {
  if ((op == '/' || op == '%') && b == 0) return std::nullopt;
  // The quotient decides for the modulus too, as the machine computes both at once.
  Wide result = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
  if (result < INT64_MIN || result > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(op == '%' ? a % b : result);
}

double Quotient(double a, double b) {
  if (b != 0) return a / b;
  if (a == 0 || std::isnan(a) || std::isnan(b)) return std::nan("");
  return std::signbit(a) == std::signbit(b) ? INFINITY : -INFINITY;
}

Outcome Arithmetic(char op, const Value& a, const Value& b) {
  if (IsText(a)) return std::get<std::string>(a) + std::get<std::string>(b);
  if (IsInt(a) && IsInt(b)) return IntArithmetic(op, std::get<int64_t>(a), std::get<int64_t>(b));
  auto left = static_cast<double>(Number(a));
  auto right = static_cast<double>(Number(b));
  if (op == '+') return left + right;
  if (op == '-') return left - right;
  return op == '*' ? left * right : Quotient(left, right);
}

Outcome ToInt(const Value& value) {
  if (IsInt(value)) return value;
  if (IsText(value)) {
    const std::string& text = std::get<std::string>(value);
    static const std::regex kInteger("[+-]?[0-9]+");
    errno = 0;
    int64_t parsed = std::strtoll(text.c_str(), nullptr, 10);
    if (!std::regex_match(text, kInteger) || errno == ERANGE) return std::nullopt;
    return parsed;
  }
  long double number = Number(value);
  if (!(std::fabs(number) < 0x1p63L)) return std::nullopt;
  return static_cast<int64_t>(std::trunc(number));
}

Outcome ToDouble(const Value& value) {
  if (!IsText(value)) return static_cast<double>(Number(value));
  const std::string& text = std::get<std::string>(value);
  static const std::regex kDecimal(
      R"([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|-?Infinity)");
  if (!std::regex_match(text, kDecimal)) return std::nullopt;
  double parsed = std::strtod(text.c_str(), nullptr);
  if (std::isinf(parsed) && text.find('y') == text.npos) return std::nullopt;
  return parsed;
}

Value ToText(const Value& value) {
  if (IsText(value)) return value;
  if (IsFlag(value)) return std::get<bool>(value) ? "true" : "false";
  if (IsInt(value)) return std::to_string(std::get<int64_t>(value));
  double number = std::get<double>(value);
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", number);
}

Value Size(const std::string& text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) {
    auto first = static_cast<uint8_t>(text[at]);
    at += first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }
  return count;
}

Outcome Call(const std::string& name, const std::vector<Value>& arguments) {
  const Value& first = arguments[0];
  if (name == "int") return ToInt(first);
  if (name == "double") return ToDouble(first);
  if (name == "string") return ToText(first);
  const std::string& text = std::get<std::string>(first);
  if (name == "size") return Size(text);
  const std::string& part = std::get<std::string>(arguments[1]);
  if (name == "contains") return text.find(part) != text.npos;
  if (name == "startsWith") return text.rfind(part, 0) == 0;
  if (name == "matches") return std::regex_search(text, std::regex(part));
  return text.size() >= part.size() &&
         text.compare(text.size() - part.size(), part.size(), part) == 0;
}

// "&&" when `decides` is false, "||" when it is true.
Outcome Logic(bool decides, const Outcome& a, const Outcome& b) {
  for (const Outcome* operand : {&a, &b}) {
    bool known = operand->has_value() && !IsNull(**operand);
    if (known && std::get<bool>(**operand) == decides) return decides;
  }
  for (const Outcome* operand : {&a, &b}) {
    if (!operand->has_value() || IsNull(**operand)) return std::nullopt;
  }
  return !decides;
}

Outcome Prefix(const std::string& word, const Value& operand) {
  if (word == "!") return !std::get<bool>(operand);
  if (IsInt(operand)) return IntArithmetic('-', 0, std::get<int64_t>(operand));
  return -std::get<double>(operand);
}

Outcome Strict(const Expression& e, const std::vector<Value>& variables) {
  std::vector<Value> operands;
  for (const Expression& operand : e.operands) {
    Outcome outcome = Expect(operand, variables);
    if (!outcome.has_value()) return std::nullopt;
    operands.push_back(*outcome);
  }
  if (e.form == Form::kIn) {
    bool found = false;
    for (size_t i = 1; i < operands.size(); ++i) found = found || Equal(operands[0], operands[i]);
    return found;
  }
  if (e.form == Form::kOperator && e.word == "==") return Equal(operands[0], operands[1]);
  if (e.form == Form::kOperator && e.word == "!=") return !Equal(operands[0], operands[1]);
  for (const Value& operand : operands) {
    if (IsNull(operand)) return std::nullopt;
  }
  if (e.form != Form::kOperator) return Call(e.word, operands);
  if (operands.size() == 1) return Prefix(e.word, operands[0]);
  if (e.word[0] == '<' || e.word[0] == '>') return Order(e.word, operands[0], operands[1]);
  return Arithmetic(e.word[0], operands[0], operands[1]);
}

Outcome Chosen(const Expression& e, const std::vector<Value>& variables) {
  Outcome condition = Expect(e.operands[0], variables);
  if (!condition.has_value() || IsNull(*condition)) return std::nullopt;
  Outcome value = Expect(e.operands[std::get<bool>(*condition) ? 1 : 2], variables);
  bool widens = e.type == Type::kDouble && value.has_value() && IsInt(*value);
  return widens ? static_cast<double>(Number(*value)) : value;
}

}  // namespace

std::optional<Value> Expect(const Expression& e, const std::vector<Value>& variables) {
  switch (e.form) {
    case Form::kLiteral:
      return e.literal;
    case Form::kNull:
      return Value();
    case Form::kVariable:
      return variables[e.variable];
    case Form::kConditional:
      return Chosen(e, variables);
    default:
      break;
  }
  if (e.word == "has") return !IsNull(variables[e.operands[0].variable]);
  if (e.word == "&&" || e.word == "||") {
    return Logic(e.word == "||", Expect(e.operands[0], variables),
                 Expect(e.operands[1], variables));
  }
  return Strict(e, variables);
}

}  // namespace freshet::expr
