#include "expr/checker.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "expr/decimal_rules.h"
#include "expr/functions.h"

namespace freshet::expr {
namespace {

bool IsNumber(StaticType type) {
  return type == StaticType::kInt || type == StaticType::kDouble || type == StaticType::kDecimal;
}

bool AreNumbers(StaticType a, StaticType b) {
  return IsNumber(a) && IsNumber(b);
}

// A decimal meets no double.
StaticType WiderNumber(StaticType a, StaticType b) {
  if (a == StaticType::kDecimal || b == StaticType::kDecimal) return StaticType::kDecimal;
  return a == StaticType::kInt && b == StaticType::kInt ? StaticType::kInt : StaticType::kDouble;
}

bool CanEqual(StaticType a, StaticType b) {
  return a == b || AreNumbers(a, b) || a == StaticType::kNull || b == StaticType::kNull;
}

bool CanOrder(StaticType a, StaticType b) {
  return AreNumbers(a, b) || (a == b && a != StaticType::kNull);
}

StaticType TypeOfLiteral(const Datum& literal) {
  switch (literal.kind()) {
    case Datum::Kind::kNull:
      return StaticType::kNull;
    case Datum::Kind::kBool:
      return StaticType::kBool;
    case Datum::Kind::kInt:
      return StaticType::kInt;
    case Datum::Kind::kDouble:
      return StaticType::kDouble;
    case Datum::Kind::kString:
      return StaticType::kString;
  }
  return StaticType::kNull;
}

StaticType TypeOfVariable(Type type) {
  switch (type) {
    case Type::kBool:
      return StaticType::kBool;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
      return StaticType::kInt;
    case Type::kFloat:
    case Type::kDouble:
      return StaticType::kDouble;
    case Type::kString:
      return StaticType::kString;
    case Type::kBytes:
      break;
    case Type::kDecimal:
      return StaticType::kDecimal;
  }
  return StaticType::kNull;
}

// true, false and null as other languages write them; empty for other words.
std::string_view MeantLiteral(std::string_view word) {
  for (std::string_view literal : {"true", "false", "null"}) {
    auto same_letter = [](char a, char b) { return (a | 0x20) == b; };
    if (std::equal(word.begin(), word.end(), literal.begin(), literal.end(), same_letter)) {
      return literal;
    }
  }
  return word == "None" || word == "nil" ? "null" : "";
}

// Check methods answer false once *error is filled.
class Checker {
 public:
  Checker(SyntaxTree* tree, std::span<const Variable> variables, CompileError* error)
      : tree_(tree), variables_(variables), error_(error), decimals_(tree, error) {
    for (size_t i = 0; i < variables.size(); ++i) positions_.emplace(variables[i].name, i);
  }

  bool CheckAll() {
    if (!CheckNode(tree_->root)) return false;
    const Syntax& root = Node(tree_->root);
    if (root.type == StaticType::kNull) return Fail(root.offset, "the expression is always null");
    return true;
  }

 private:
  Syntax& Node(SyntaxIndex index) { return tree_->nodes[index]; }
  const Syntax& Child(const Syntax& node, size_t i) { return Node(node.children[i]); }

  bool Fail(size_t offset, std::string message) {
    *error_ = {offset, std::move(message)};
    return false;
  }

  bool CheckNode(SyntaxIndex index) {
    Syntax& node = Node(index);
    switch (node.kind) {
      case SyntaxKind::kLiteral:
        node.type = TypeOfLiteral(node.literal);
        return true;
      case SyntaxKind::kName:
        return CheckName(node);
      case SyntaxKind::kList:
        return Fail(node.offset, "a list can stand only to the right of 'in'");
      case SyntaxKind::kUnary:
        return CheckChildren(node) && CheckUnary(node);
      case SyntaxKind::kBinary:
        if (node.op == Operator::kIn) return CheckIn(node);
        return CheckChildren(node) && CheckBinary(node);
      case SyntaxKind::kConditional:
        return CheckChildren(node) && CheckConditional(node);
      case SyntaxKind::kCall:
        return CheckCall(node);
    }
    return false;
  }

  bool CheckChildren(const Syntax& node) {
    return std::all_of(node.children.begin(), node.children.end(),
                       [this](SyntaxIndex child) { return CheckNode(child); });
  }

  // Sets the variable that a kName stands for.
  bool Resolve(Syntax& node) {
    auto found = positions_.find(node.name);
    if (found == positions_.end()) return Fail(node.offset, UnknownName(node.name));
    node.variable = found->second;
    node.type = TypeOfVariable(variables_[node.variable].type);
    node.scale = variables_[node.variable].type.scale;
    return true;
  }

  std::string UnknownName(const std::string& name) const {
    if (name.size() > limits::kNameBytesMax) return "no name is as long as this";
    if (std::string_view meant = MeantLiteral(name); !meant.empty()) {
      return fmt::format("unknown name '{}'; did you mean '{}'?", name, meant);
    }
    std::vector<std::string> known;
    for (const Variable& variable : variables_) known.push_back(variable.name);
    return fmt::format("unknown name '{}'{}", name, Suggestion(name, known));
  }

  bool CheckName(Syntax& node) {
    if (!Resolve(node)) return false;
    if (variables_[node.variable].type == Type::kBytes) {
      return Fail(node.offset, fmt::format("'{}' is of type bytes, which is for join keys; "
                                           "expressions can only ask for it with has({})",
                                           node.name, node.name));
    }
    if (variables_[node.variable].type == Type::kTimestamp) {
      return Fail(node.offset,
                  fmt::format("'{}' is a timestamp, which expressions can only ask for "
                              "with has({})",
                              node.name, node.name));
    }
    return true;
  }

  bool CheckUnary(Syntax& node) {
    const Syntax& operand = Child(node, 0);
    node.type = operand.type;
    node.scale = operand.scale;
    if (node.op == Operator::kNot) {
      if (operand.type == StaticType::kBool) return true;
      return Fail(node.offset, fmt::format("'!' takes a bool, not {}", TypeWord(operand)));
    }
    if (IsNumber(operand.type)) return true;
    return Fail(node.offset, fmt::format("'-' takes a number, not {}", TypeWord(operand)));
  }

  bool CheckBinary(Syntax& node) {
    if (!decimals_.Meet(node)) return false;
    StaticType left = Child(node, 0).type;
    StaticType right = Child(node, 1).type;
    node.type = StaticType::kBool;
    switch (node.op) {
      case Operator::kOr:
      case Operator::kAnd:
        if (left == StaticType::kBool && right == StaticType::kBool) return true;
        return FailOperands(node, "two bools");
      case Operator::kEqual:
      case Operator::kNotEqual:
        if (CanEqual(left, right)) return true;
        return FailOperands(node, "two values of one type");
      case Operator::kLess:
      case Operator::kLessEqual:
      case Operator::kGreater:
      case Operator::kGreaterEqual:
        if (CanOrder(left, right)) return true;
        return FailOperands(node, "two numbers, two strings or two bools");
      case Operator::kAdd:
        node.type = AreNumbers(left, right) ? WiderNumber(left, right) : StaticType::kString;
        if (AreNumbers(left, right) || (left == right && left == StaticType::kString)) return true;
        return FailOperands(node, "two numbers or two strings");
      case Operator::kModulo:
        node.type = StaticType::kInt;
        if (left == StaticType::kInt && right == StaticType::kInt) return true;
        return FailOperands(node, "two ints");
      default:
        node.type = WiderNumber(left, right);
        if (!AreNumbers(left, right)) return FailOperands(node, "two numbers");
        if (node.type != StaticType::kDecimal || node.op == Operator::kSubtract) return true;
        if (node.op == Operator::kMultiply) return decimals_.CheckProduct(node);
        return FailOperands(node, "ints or doubles; double(...) makes a decimal one");
    }
  }

  bool FailOperands(const Syntax& node, std::string_view wanted) {
    return Fail(node.offset,
                fmt::format("'{}' takes {}, not {} and {}", OperatorSpelling(node.op), wanted,
                            TypeWord(Child(node, 0)), TypeWord(Child(node, 1))));
  }

  bool CheckIn(Syntax& node) {
    node.type = StaticType::kBool;
    if (!CheckNode(node.children[0])) return false;
    const Syntax& wanted = Child(node, 0);
    const Syntax& list = Child(node, 1);
    if (list.kind != SyntaxKind::kList) {
      return Fail(list.offset,
                  "'in' takes a list on its right, such as [1, 2]; parts of a string are found by "
                  "x.contains(part)");
    }
    for (SyntaxIndex index : list.children) {
      if (!CheckNode(index)) return false;
      Syntax& element = Node(index);
      if (wanted.type == StaticType::kDecimal && !decimals_.Become(element)) return false;
      if (!CanEqual(wanted.type, element.type)) {
        return Fail(element.offset,
                    fmt::format("this {} can never equal the {} to the left of 'in'",
                                TypeWord(element), TypeWord(wanted)));
      }
      if (!DecimalRules::CanStandInList(wanted, element)) {
        return Fail(element.offset,
                    fmt::format("this {} and the {} to the left of 'in' have other digits; compare "
                                "them with ==",
                                TypeWord(element), TypeWord(wanted)));
      }
    }
    return true;
  }

  bool CheckConditional(Syntax& node) {
    const Syntax& condition = Child(node, 0);
    if (condition.type != StaticType::kBool) {
      return Fail(condition.offset,
                  fmt::format("the condition of ?: is a bool, not {}", TypeWord(condition)));
    }
    if (!decimals_.Meet(node, 1)) return false;
    StaticType when_true = Child(node, 1).type;
    StaticType when_false = Child(node, 2).type;
    if (!CanEqual(when_true, when_false)) {
      return Fail(node.offset, fmt::format("the values of ?: have one type, not {} and {}",
                                           TypeWord(Child(node, 1)), TypeWord(Child(node, 2))));
    }
    bool first_is_null = when_true == StaticType::kNull;
    node.type = first_is_null                       ? when_false
                : AreNumbers(when_true, when_false) ? WiderNumber(when_true, when_false)
                                                    : when_true;
    return true;
  }

  bool CheckCall(Syntax& node) {
    auto found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                              [&](const FunctionInfo& known) { return known.name == node.name; });
    if (found == std::end(kFunctions)) return Fail(node.offset, UnknownFunction(node.name));
    node.function = found->function;
    bool right_form = node.is_method ? found->is_method : found->is_function;
    const size_t count = node.children.size();
    const size_t count_max = found->operand_count + found->optional_operand_count;
    if (!right_form || count < found->operand_count || count > count_max) {
      return Fail(node.offset, fmt::format("'{}' is written {}", found->name, found->usage));
    }
    if (found->function == Function::kHas) return CheckHas(node);
    return CheckChildren(node) && CheckArguments(node);
  }

  static std::string UnknownFunction(const std::string& name) {
    if (name == "not") return "unknown function 'not'; did you mean '!'?";
    if (name.size() > limits::kNameBytesMax) return "no function has a name as long as this";
    std::vector<std::string> known;
    for (const FunctionInfo& function : kFunctions) known.emplace_back(function.name);
    return fmt::format("unknown function '{}'{}", name, Suggestion(name, known));
  }

  bool CheckHas(Syntax& node) {
    node.type = StaticType::kBool;
    Syntax& name = Node(node.children[0]);
    if (name.kind != SyntaxKind::kName) return Fail(name.offset, "has() takes a name");
    return Resolve(name);
  }

  bool CheckArguments(Syntax& node) {
    switch (node.function) {
      case Function::kHas:
        return true;
      case Function::kSize:
        node.type = StaticType::kInt;
        return CheckStrings(node);
      case Function::kContains:
      case Function::kStartsWith:
      case Function::kEndsWith:
        node.type = StaticType::kBool;
        return CheckStrings(node);
      case Function::kMatches:
        node.type = StaticType::kBool;
        return CheckStrings(node) && CheckPattern(Child(node, 1));
      case Function::kInt:
        node.type = StaticType::kInt;
        return CheckConversion(node, "a number or a string", false);
      case Function::kDouble:
        node.type = StaticType::kDouble;
        return CheckConversion(node, "a number or a string", false);
      case Function::kString:
        node.type = StaticType::kString;
        return CheckConversion(node, "a number, a string or a bool", true);
      case Function::kCeil:
      case Function::kFloor:
      case Function::kRound:
      case Function::kSqrt:
      case Function::kLog:
      case Function::kExp:
      case Function::kPow:
        node.type = StaticType::kDouble;
        return CheckNumbers(node) && CheckNoDecimals(node);
      case Function::kAbs:
        node.type = Child(node, 0).type;
        node.scale = Child(node, 0).scale;
        return CheckNumbers(node);
      case Function::kLeast:
      case Function::kGreatest:
        if (!decimals_.Meet(node)) return false;
        node.type = WiderNumber(Child(node, 0).type, Child(node, 1).type);
        return CheckNumbers(node);
      case Function::kLowerAscii:
      case Function::kUpperAscii:
      case Function::kTrim:
        node.type = StaticType::kString;
        return CheckStrings(node);
      case Function::kGetFullYear:
      case Function::kGetMonth:
      case Function::kGetDate:
      case Function::kGetDayOfMonth:
      case Function::kGetDayOfWeek:
      case Function::kGetDayOfYear:
      case Function::kGetHours:
      case Function::kGetMinutes:
      case Function::kGetSeconds:
      case Function::kGetMilliseconds:
        node.type = StaticType::kInt;
        return CheckMoment(node);
    }
    return false;
  }

  bool CheckMoment(const Syntax& node) {
    const Syntax& moment = Child(node, 0);
    if (moment.type != StaticType::kInt) {
      return Fail(moment.offset,
                  fmt::format("'{}' works on milliseconds since 1970, an int, not {}", node.name,
                              TypeWord(moment)));
    }
    if (node.children.size() == 1) return true;
    const Syntax& zone = Child(node, 1);
    if (zone.kind == SyntaxKind::kLiteral && zone.type == StaticType::kString) return true;
    return Fail(zone.offset,
                fmt::format("the time zone of '{}' is a literal string, so that it is looked up "
                            "only once",
                            node.name));
  }

  bool CheckNumbers(const Syntax& node) {
    for (SyntaxIndex index : node.children) {
      const Syntax& operand = Node(index);
      if (IsNumber(operand.type)) continue;
      return Fail(operand.offset,
                  fmt::format("'{}' works on numbers, not {}", node.name, TypeWord(operand)));
    }
    return true;
  }

  bool CheckNoDecimals(const Syntax& node) {
    for (SyntaxIndex index : node.children) {
      const Syntax& operand = Node(index);
      if (operand.type != StaticType::kDecimal) continue;
      return Fail(operand.offset,
                  fmt::format("'{}' works on ints and doubles; double(...) makes this {} one",
                              node.name, TypeWord(operand)));
    }
    return true;
  }

  bool CheckStrings(const Syntax& node) {
    for (SyntaxIndex index : node.children) {
      const Syntax& operand = Node(index);
      if (operand.type == StaticType::kString) continue;
      return Fail(operand.offset,
                  fmt::format("'{}' works on strings, not {}", node.name, TypeWord(operand)));
    }
    return true;
  }

  bool CheckPattern(const Syntax& pattern) {
    if (pattern.kind == SyntaxKind::kLiteral) return true;
    return Fail(pattern.offset,
                "the pattern of 'matches' is a literal string, so that it is compiled only once");
  }

  bool CheckConversion(const Syntax& node, std::string_view wanted, bool takes_bool) {
    const Syntax& operand = Child(node, 0);
    bool fits = IsNumber(operand.type) || operand.type == StaticType::kString ||
                (takes_bool && operand.type == StaticType::kBool);
    if (fits) return true;
    return Fail(operand.offset,
                fmt::format("'{}' takes {}, not {}", node.name, wanted, TypeWord(operand)));
  }

  SyntaxTree* tree_;
  std::span<const Variable> variables_;
  CompileError* error_;
  DecimalRules decimals_;
  std::unordered_map<std::string_view, size_t> positions_;
};

}  // namespace

bool Check(SyntaxTree* tree, std::span<const Variable> variables, CompileError* error) {
  return Checker(tree, variables, error).CheckAll();
}

}  // namespace freshet::expr
