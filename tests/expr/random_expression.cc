#include "expr/random_expression.h"

#include <limits>

#include <fmt/format.h>

#include "base/datum.h"

namespace freshet::expr {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kTightest = 9;

// How tightly the outermost operator of an expression holds its operands.
int Binding(const Expression& e) {
  if (e.form == Form::kConditional) return 0;
  if (e.form == Form::kIn) return 3;
  if (e.form != Form::kOperator) return kTightest;
  if (e.operands.size() == 1) return 6;
  if (e.word == "||") return 1;
  if (e.word == "&&") return 2;
  if (e.word == "+" || e.word == "-") return 4;
  return e.word == "*" || e.word == "/" || e.word == "%" ? 5 : 3;
}

std::string WriteLiteral(const Value& literal) {
  if (const auto* number = std::get_if<int64_t>(&literal)) return fmt::format("{}", *number);
  if (const auto* flag = std::get_if<bool>(&literal)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<double>(&literal)) {
    std::string text = fmt::format("{}", *number);
    return text.find_first_of(".e") == text.npos ? text + ".0" : text;
  }
  std::string text;
  for (char c : std::get<std::string>(literal)) {
    text += c == '\'' || c == '\\' ? fmt::format("\\{}", c) : std::string(1, c);
  }
  return fmt::format("'{}'", text);
}

}  // namespace

Expression ExpressionGenerator::Make(Form form, Type type, std::string word,
                                     std::vector<Expression> operands) {
  Expression made;
  made.form = form;
  made.type = type;
  made.word = std::move(word);
  made.operands = std::move(operands);
  return made;
}

Value ExpressionGenerator::RandomScalar(Type type) {
  static const std::vector<int64_t> kInts = {
      0, 1, 2, 3, 7, 10, -1, -2, 100, INT64_MAX, INT64_MIN, INT64_MAX - 1, (int64_t{1} << 53) + 1};
  static const std::vector<double> kDoubles = {0.0,
                                               -0.0,
                                               1.0,
                                               2.0,
                                               0.5,
                                               -1.5,
                                               10.0,
                                               1e308,
                                               5e-324,
                                               9007199254740992.0,
                                               9223372036854775808.0,
                                               -9223372036854775808.0};
  static const std::vector<std::string> kStrings = {"",  "a",    "b",    "ab", "abc", "é",
                                                    "😀", "it's", "a\\b", "12", "-7",  "1.5"};
  switch (KindOf(type)) {
    case Datum::Kind::kBool:
      return OneIn(2);
    case Datum::Kind::kInt:
      return OneIn(2) ? Pick(kInts) : static_cast<int64_t>(Below(5)) - 2;
    case Datum::Kind::kDouble:
      return OneIn(2) ? Pick(kDoubles) : (static_cast<double>(Below(9)) - 4) / 2;
    default:
      return Pick(kStrings);
  }
}

Value ExpressionGenerator::RandomValue(Type type) {
  if (OneIn(5)) return std::monostate();
  if (KindOf(type) == Datum::Kind::kDouble && OneIn(8)) {
    return Pick(std::vector<double>{kInfinity, -kInfinity, kInfinity - kInfinity});
  }
  return RandomScalar(type);
}

Type ExpressionGenerator::RandomType() {
  return Pick(std::vector<Type>{Type::kBool, Type::kInt64, Type::kDouble, Type::kString});
}

Expression ExpressionGenerator::Leaf(Type type) {
  Expression leaf = Make(Form::kLiteral, type, "", {});
  size_t at = Below(variables_.size());
  if (KindOf(variables_[at].type) == KindOf(type) && variables_[at].type != Type::kTimestamp) {
    leaf.form = Form::kVariable;
    leaf.word = variables_[at].name;
    leaf.variable = at;
  } else {
    leaf.literal = RandomScalar(type);
  }
  return leaf;
}

Expression ExpressionGenerator::Conditional(Type type, int depth) {
  auto branch = [&] {
    bool narrower = type == Type::kDouble && OneIn(3);
    return Generate(narrower ? Type(Type::kInt64) : type, depth - 1);
  };
  Expression made =
      Make(Form::kConditional, type, "", {Generate(Type::kBool, depth - 1), branch(), branch()});
  // At least one branch has the type of the whole.
  if (made.operands[1].type != type) made.operands[2] = Generate(type, depth - 1);
  if (OneIn(6)) {
    Expression& wider = made.operands[made.operands[1].type == type ? 2 : 1];
    wider = Make(Form::kNull, type, "", {});
  }
  return made;
}

Expression ExpressionGenerator::Generate(Type type, int depth) {
  if (depth == 0 || OneIn(8)) return Leaf(type);
  if (OneIn(7)) return Conditional(type, depth);
  switch (type) {
    case Type::kBool:
      return GenerateBool(depth);
    case Type::kInt64:
      return GenerateInt(depth);
    case Type::kDouble:
      return GenerateDouble(depth);
    default:
      return GenerateString(depth);
  }
}

Type ExpressionGenerator::Peer(Type type) {
  if (type == Type::kInt64 && OneIn(3)) return Type::kDouble;
  if (type == Type::kDouble && OneIn(3)) return Type::kInt64;
  return type;
}

Expression ExpressionGenerator::GenerateBool(int depth) {
  auto any = [&](Type type) { return Generate(type, depth - 1); };
  Type type = RandomType();
  switch (Below(7)) {
    case 0:
      return Make(Form::kOperator, Type::kBool, "!", {any(Type::kBool)});
    case 1:
    case 2:
      return Make(Form::kOperator, Type::kBool, OneIn(2) ? "&&" : "||",
                  {any(Type::kBool), any(Type::kBool)});
    case 3: {
      std::string word = Pick(std::vector<std::string>{"==", "!=", "<", "<=", ">", ">="});
      Expression made = Make(Form::kOperator, Type::kBool, word, {any(type), any(Peer(type))});
      bool equality = word == "==" || word == "!=";
      if (equality && OneIn(4)) made.operands[Below(2)] = Make(Form::kNull, type, "", {});
      return made;
    }
    case 4: {
      Expression made = Make(Form::kIn, Type::kBool, "in", {any(type)});
      for (size_t i = Below(5); i > 0; --i) {
        Type peer = Peer(type);
        made.operands.push_back(OneIn(2) ? Leaf(peer) : any(peer));
      }
      return made;
    }
    case 5: {
      Expression name = Make(Form::kVariable, Type::kBool, "", {});
      name.variable = Below(variables_.size());
      name.word = variables_[name.variable].name;
      return Make(Form::kFunction, Type::kBool, "has", {name});
    }
    default: {
      std::string word =
          Pick(std::vector<std::string>{"contains", "startsWith", "endsWith", "matches"});
      Expression argument = any(Type::kString);
      if (word == "matches") {
        argument = Make(Form::kLiteral, Type::kString, "", {});
        argument.literal = Pick(std::vector<std::string>{"", "a", "^a", "b$", "^[a-c]+$", "a|1"});
      }
      return Make(Form::kMethod, Type::kBool, word, {any(Type::kString), argument});
    }
  }
}

Expression ExpressionGenerator::GenerateInt(int depth) {
  auto any = [&](Type type) { return Generate(type, depth - 1); };
  switch (Below(8)) {
    case 0:
      return Make(Form::kOperator, Type::kInt64, "-", {any(Type::kInt64)});
    case 1:
      return Make(OneIn(2) ? Form::kFunction : Form::kMethod, Type::kInt64, "size",
                  {any(Type::kString)});
    case 2:
      return Make(Form::kFunction, Type::kInt64, "int",
                  {any(Pick(std::vector<Type>{Type::kInt64, Type::kDouble, Type::kString}))});
    default:
      return Make(Form::kOperator, Type::kInt64,
                  Pick(std::vector<std::string>{"+", "-", "*", "/", "%"}),
                  {any(Type::kInt64), any(Type::kInt64)});
  }
}

Expression ExpressionGenerator::GenerateDouble(int depth) {
  auto any = [&](Type type) { return Generate(type, depth - 1); };
  switch (Below(8)) {
    case 0:
      return Make(Form::kOperator, Type::kDouble, "-", {any(Type::kDouble)});
    case 1:
      return Make(Form::kFunction, Type::kDouble, "double",
                  {any(Pick(std::vector<Type>{Type::kInt64, Type::kDouble, Type::kString}))});
    default: {
      Expression left = any(Type::kDouble);
      Expression right = any(Peer(Type::kDouble));
      if (OneIn(2)) std::swap(left, right);
      return Make(Form::kOperator, Type::kDouble,
                  Pick(std::vector<std::string>{"+", "-", "*", "/"}), {left, right});
    }
  }
}

Expression ExpressionGenerator::GenerateString(int depth) {
  auto any = [&](Type type) { return Generate(type, depth - 1); };
  if (OneIn(3)) return Make(Form::kFunction, Type::kString, "string", {any(RandomType())});
  return Make(Form::kOperator, Type::kString, "+", {any(Type::kString), any(Type::kString)});
}

std::string ExpressionGenerator::Write(const Expression& expression) {
  return WriteOperand(expression, 0);
}

std::string ExpressionGenerator::WriteOperand(const Expression& expression, int binding) {
  std::string text = WriteBare(expression);
  return Binding(expression) < binding || OneIn(10) ? fmt::format("({})", text) : text;
}

std::string ExpressionGenerator::WriteList(const Expression& expression, size_t first) {
  std::string text;
  for (size_t i = first; i < expression.operands.size(); ++i) {
    if (i > first) text += ", ";
    // has() takes a name as it is.
    bool bare = expression.word == "has" || expression.word == "matches";
    text += bare ? WriteBare(expression.operands[i]) : Write(expression.operands[i]);
  }
  return text;
}

std::string ExpressionGenerator::WriteBare(const Expression& e) {
  int binding = Binding(e);
  switch (e.form) {
    case Form::kLiteral:
      return WriteLiteral(e.literal);
    case Form::kNull:
      return "null";
    case Form::kVariable:
      return e.word;
    case Form::kConditional:
      return fmt::format("{} ? {} : {}", WriteOperand(e.operands[0], 1),
                         WriteOperand(e.operands[1], 1), WriteOperand(e.operands[2], 0));
    case Form::kIn:
      return fmt::format("{} in [{}]", WriteOperand(e.operands[0], binding), WriteList(e, 1));
    case Form::kFunction:
      return fmt::format("{}({})", e.word, WriteList(e, 0));
    case Form::kMethod:
      return fmt::format("{}.{}({})", WriteOperand(e.operands[0], kTightest), e.word,
                         WriteList(e, 1));
    case Form::kOperator:
      break;
  }
  if (e.operands.size() == 1) return e.word + WriteOperand(e.operands[0], binding);
  // All operators associate to the left.
  return fmt::format("{}{}{}{}{}", WriteOperand(e.operands[0], binding), OneIn(4) ? "" : " ",
                     e.word, OneIn(4) ? "" : " ", WriteOperand(e.operands[1], binding + 1));
}

}  // namespace freshet::expr
