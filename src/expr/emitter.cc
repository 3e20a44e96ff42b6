#include "expr/emitter.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/check.h"
#include "base/limits.h"
#include "expr/time_parts.h"

namespace freshet::expr {
namespace {

bool IsConstant(const Syntax& node) {
  return node.kind == SyntaxKind::kLiteral;
}

// Decimals are computed with by their units.
bool IsInteger(StaticType type) {
  return type == StaticType::kInt || type == StaticType::kDecimal;
}

Op ArithmeticOp(Operator op, StaticType type) {
  bool is_int = IsInteger(type);
  switch (op) {
    case Operator::kAdd:
      if (type == StaticType::kString) return Op::kConcatenate;
      return is_int ? Op::kAddInt : Op::kAddDouble;
    case Operator::kSubtract:
      return is_int ? Op::kSubtractInt : Op::kSubtractDouble;
    case Operator::kMultiply:
      return is_int ? Op::kMultiplyInt : Op::kMultiplyDouble;
    case Operator::kDivide:
      return is_int ? Op::kDivideInt : Op::kDivideDouble;
    default:
      return Op::kModuloInt;
  }
}

Op LogicOp(Operator op) {
  switch (op) {
    case Operator::kOr:
      return Op::kOr;
    case Operator::kAnd:
      return Op::kAnd;
    case Operator::kEqual:
      return Op::kEqual;
    case Operator::kNotEqual:
      return Op::kNotEqual;
    case Operator::kLess:
      return Op::kLess;
    case Operator::kLessEqual:
      return Op::kLessEqual;
    case Operator::kGreater:
      return Op::kGreater;
    default:
      return Op::kGreaterEqual;
  }
}

Op ConversionOp(StaticType from, StaticType to) {
  if (from == to) return Op::kRequireValue;
  if (from == StaticType::kDecimal) {
    if (to == StaticType::kInt) return Op::kDecimalToInt;
    return to == StaticType::kDouble ? Op::kDecimalToDouble : Op::kDecimalToString;
  }
  if (to == StaticType::kInt) {
    return from == StaticType::kDouble ? Op::kDoubleToInt : Op::kStringToInt;
  }
  if (to == StaticType::kDouble) {
    return from == StaticType::kInt ? Op::kIntToDouble : Op::kStringToDouble;
  }
  if (from == StaticType::kInt) return Op::kIntToString;
  return from == StaticType::kDouble ? Op::kDoubleToString : Op::kBoolToString;
}

// Of the functions whose operands have the type of the result.
Op FunctionOp(Function function, StaticType type) {
  const bool is_int = IsInteger(type);
  switch (function) {
    case Function::kAbs:
      return is_int ? Op::kAbsInt : Op::kAbsDouble;
    case Function::kLeast:
      return is_int ? Op::kLeastInt : Op::kLeastDouble;
    case Function::kGreatest:
      return is_int ? Op::kGreatestInt : Op::kGreatestDouble;
    case Function::kCeil:
      return Op::kCeil;
    case Function::kFloor:
      return Op::kFloor;
    case Function::kRound:
      return Op::kRound;
    case Function::kSqrt:
      return Op::kSqrt;
    case Function::kLog:
      return Op::kLog;
    case Function::kExp:
      return Op::kExp;
    case Function::kPow:
      return Op::kPow;
    case Function::kLowerAscii:
      return Op::kLowerAscii;
    case Function::kUpperAscii:
      return Op::kUpperAscii;
    default:
      return Op::kTrim;
  }
}

Op TestOp(Function function) {
  switch (function) {
    case Function::kContains:
      return Op::kContains;
    case Function::kStartsWith:
      return Op::kStartsWith;
    default:
      return Op::kEndsWith;
  }
}

class Emitter {
 public:
  Emitter(const SyntaxTree& tree, std::span<const Variable> variables, Code* code,
          CompileError* error)
      : tree_(tree), variables_(variables), code_(code), error_(error) {}

  bool EmitAll() {
    code_->instruction_of_node.assign(tree_.nodes.size(), kNoInstruction);
    code_->root = EmitNode(tree_.root);
    return !failed_;
  }

 private:
  const Syntax& Node(SyntaxIndex index) const { return tree_.nodes[index]; }

  uint32_t Add(Op op, uint32_t a, uint32_t b = 0, uint32_t c = 0) {
    code_->instructions.push_back({op, a, b, c});
    return static_cast<uint32_t>(code_->instructions.size() - 1);
  }

  uint32_t AddConstant(const Datum& value) {
    code_->constants.push_back(value);
    return Add(Op::kConstant, static_cast<uint32_t>(code_->constants.size() - 1));
  }

  uint32_t EmitNode(SyntaxIndex index) {
    return code_->instruction_of_node[index] = EmitAlone(Node(index));
  }

  uint32_t EmitAlone(const Syntax& node) {
    switch (node.kind) {
      case SyntaxKind::kLiteral:
        return AddConstant(node.literal);
      case SyntaxKind::kName:
        return EmitVariable(node);
      case SyntaxKind::kUnary:
        return EmitUnary(node);
      case SyntaxKind::kBinary:
        return EmitBinary(node);
      case SyntaxKind::kConditional: {
        uint32_t condition = EmitNode(node.children[0]);
        uint32_t when_true = EmitAs(node.children[1], node);
        uint32_t when_false = EmitAs(node.children[2], node);
        return Add(Op::kConditional, condition, when_true, when_false);
      }
      case SyntaxKind::kCall:
        return EmitCall(node);
      case SyntaxKind::kList:
        break;
    }
    CheckFailed(__FILE__, __LINE__, "a list stands only to the right of 'in'");
  }

  // As a value of the type that `wanted` has: widens an int where that is a double, and gives a
  // decimal the digits of another.
  uint32_t EmitAs(SyntaxIndex index, const Syntax& wanted) {
    const Syntax& node = Node(index);
    if (wanted.type == StaticType::kDecimal && IsInteger(node.type) && node.scale != wanted.scale)
      return EmitRescaled(index, wanted.scale);
    if (node.type != StaticType::kInt || wanted.type != StaticType::kDouble) return EmitNode(index);
    if (IsConstant(node)) {
      return AddConstant(Datum::Double(static_cast<double>(node.literal.as_int())));
    }
    return Add(Op::kWiden, EmitNode(index));
  }

  uint32_t EmitRescaled(SyntaxIndex index, uint8_t scale) {
    const std::optional<Datum> constant = ConstantOf(Node(index), scale);
    if (constant.has_value()) return AddConstant(*constant);
    return Add(Op::kRescale, EmitNode(index), scale - Node(index).scale);
  }

  // A literal as a decimal of that scale; nothing when there is none, or it is no literal.
  static std::optional<Datum> ConstantOf(const Syntax& node, uint8_t scale) {
    if (!IsConstant(node) || !IsInteger(node.type)) return std::nullopt;
    const std::optional<int64_t> units = Rescale(node.literal.as_int(), node.scale, scale);
    return units.has_value() ? std::optional(Datum::Int(*units)) : std::nullopt;
  }

  uint32_t EmitVariable(const Syntax& node) {
    Datum::Kind kind = KindOf(variables_[node.variable].type);
    return Add(Op::kVariable, static_cast<uint32_t>(node.variable), static_cast<uint32_t>(kind));
  }

  uint32_t EmitUnary(const Syntax& node) {
    uint32_t operand = EmitNode(node.children[0]);
    if (node.op == Operator::kNot) return Add(Op::kNot, operand);
    return Add(IsInteger(node.type) ? Op::kNegateInt : Op::kNegateDouble, operand);
  }

  uint32_t EmitBinary(const Syntax& node) {
    if (node.op == Operator::kIn) return EmitIn(node);
    if (node.type == StaticType::kBool) {
      if (MeetsOtherScale(node)) return EmitDecimalComparison(node);
      uint32_t left = EmitNode(node.children[0]);
      uint32_t right = EmitNode(node.children[1]);
      return Add(LogicOp(node.op), left, right);
    }
    const bool keeps_scales = node.op == Operator::kMultiply && IsInteger(node.type);
    uint32_t left = keeps_scales ? EmitNode(node.children[0]) : EmitAs(node.children[0], node);
    uint32_t right = keeps_scales ? EmitNode(node.children[1]) : EmitAs(node.children[1], node);
    return Add(ArithmeticOp(node.op, node.type), left, right);
  }

  bool MeetsOtherScale(const Syntax& node) const {
    const Syntax& left = Node(node.children[0]);
    const Syntax& right = Node(node.children[1]);
    return IsInteger(left.type) && IsInteger(right.type) && left.scale != right.scale;
  }

  // Exact, also where one of the two has no place among the decimals of the other's scale.
  uint32_t EmitDecimalComparison(const Syntax& node) {
    const Syntax& left = Node(node.children[0]);
    const Syntax& right = Node(node.children[1]);
    if (const std::optional<Datum> constant = ConstantOf(right, left.scale)) {
      uint32_t a = EmitNode(node.children[0]);
      return Add(LogicOp(node.op), a, AddConstant(*constant));
    }
    if (const std::optional<Datum> constant = ConstantOf(left, right.scale)) {
      uint32_t a = AddConstant(*constant);
      return Add(LogicOp(node.op), a, EmitNode(node.children[1]));
    }
    const bool is_match = node.op == Operator::kEqual || node.op == Operator::kNotEqual;
    uint32_t a = EmitNode(node.children[0]);
    uint32_t b = EmitNode(node.children[1]);
    uint32_t order =
        Add(is_match ? Op::kMatchDecimals : Op::kOrderDecimals, a, b,
            static_cast<uint32_t>(left.scale) | static_cast<uint32_t>(right.scale) << 8);
    return Add(LogicOp(node.op), order, AddConstant(Datum::Int(0)));
  }

  uint32_t EmitIn(const Syntax& node) {
    uint32_t wanted = EmitNode(node.children[0]);
    const std::vector<SyntaxIndex>& list = Node(node.children[1]).children;
    auto count = static_cast<uint32_t>(list.size());
    bool all_constant =
        std::all_of(list.begin(), list.end(), [&](SyntaxIndex i) { return IsConstant(Node(i)); });
    if (all_constant) {
      auto first = static_cast<uint32_t>(code_->constants.size());
      for (SyntaxIndex index : list) {
        if (CanEqual(node, index)) code_->constants.push_back(ElementOf(node, index));
      }
      count = static_cast<uint32_t>(code_->constants.size()) - first;
      return Add(Op::kInConstants, wanted, first, count);
    }
    std::vector<uint32_t> elements;
    for (SyntaxIndex index : list) {
      if (!CanEqual(node, index)) continue;
      const bool is_constant = IsConstant(Node(index));
      elements.push_back(is_constant ? AddConstant(ElementOf(node, index)) : EmitNode(index));
    }
    count = static_cast<uint32_t>(elements.size());
    auto first = static_cast<uint32_t>(code_->elements.size());
    code_->elements.insert(code_->elements.end(), elements.begin(), elements.end());
    return Add(Op::kIn, wanted, first, count);
  }

  // False for a literal with digits that the decimal to the left of `in` does not have.
  bool CanEqual(const Syntax& in, SyntaxIndex element) const {
    const Syntax& wanted = Node(in.children[0]);
    const Syntax& node = Node(element);
    const bool is_literal = wanted.type == StaticType::kDecimal && IsConstant(node);
    return !is_literal || !IsInteger(node.type) || ConstantOf(node, wanted.scale).has_value();
  }

  // A literal as the value to the left of `in` would have it.
  Datum ElementOf(const Syntax& in, SyntaxIndex element) const {
    const Syntax& wanted = Node(in.children[0]);
    if (wanted.type != StaticType::kDecimal) return Node(element).literal;
    return ConstantOf(Node(element), wanted.scale).value_or(Node(element).literal);
  }

  uint32_t EmitCall(const Syntax& node) {
    const Syntax& first = Node(node.children[0]);
    if (node.function == Function::kHas) {
      return Add(Op::kHas, static_cast<uint32_t>(first.variable));
    }
    switch (node.function) {
      case Function::kInt:
      case Function::kDouble:
      case Function::kString:
        return Add(ConversionOp(first.type, node.type), EmitNode(node.children[0]), first.scale);
      case Function::kMatches: {
        uint32_t text = EmitNode(node.children[0]);
        return Add(Op::kMatches, text, EmitPattern(Node(node.children[1])));
      }
      case Function::kSize:
        return Add(Op::kSize, EmitNode(node.children[0]));
      case Function::kContains:
      case Function::kStartsWith:
      case Function::kEndsWith: {
        uint32_t text = EmitNode(node.children[0]);
        return Add(TestOp(node.function), text, EmitNode(node.children[1]));
      }
      default: {
        if (node.function >= Function::kGetFullYear) return EmitTimePart(node);
        uint32_t operand = EmitAs(node.children[0], node);
        uint32_t second = node.children.size() > 1 ? EmitAs(node.children[1], node) : 0;
        return Add(FunctionOp(node.function, node.type), operand, second);
      }
    }
  }

  uint32_t EmitTimePart(const Syntax& node) {
    const uint32_t moment = EmitNode(node.children[0]);
    absl::TimeZone zone = absl::UTCTimeZone();
    if (node.children.size() > 1) zone = EmitZone(Node(node.children[1]));
    code_->zones.push_back(zone);
    const auto part =
        static_cast<uint32_t>(node.function) - static_cast<uint32_t>(Function::kGetFullYear);
    return Add(Op::kTimePart, moment, static_cast<uint32_t>(code_->zones.size() - 1), part);
  }

  absl::TimeZone EmitZone(const Syntax& literal) {
    const std::optional<absl::TimeZone> zone = FindTimeZone(literal.literal.as_string());
    if (!zone.has_value() && !failed_) {
      failed_ = true;
      *error_ = {literal.offset,
                 fmt::format("no time zone is called '{}'; write one of the zone database, such as "
                             "'Europe/Berlin', or a distance from UTC, such as '+05:30'",
                             literal.literal.as_string())};
    }
    return zone.value_or(absl::UTCTimeZone());
  }

  uint32_t EmitPattern(const Syntax& literal) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(limits::kPatternMemoryBytesMax);
    std::string_view text = literal.literal.as_string();
    auto pattern = std::make_unique<RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!pattern->ok() && !failed_) {
      failed_ = true;
      *error_ = {literal.offset, fmt::format("bad pattern: {}", pattern->error())};
    }
    code_->patterns.push_back(std::move(pattern));
    return static_cast<uint32_t>(code_->patterns.size() - 1);
  }

  const SyntaxTree& tree_;
  std::span<const Variable> variables_;
  Code* code_;
  CompileError* error_;
  bool failed_ = false;
};

}  // namespace

bool Emit(SyntaxTree* tree, std::span<const Variable> variables, Code* code, CompileError* error) {
  code->texts = std::move(tree->texts);
  return Emitter(*tree, variables, code, error).EmitAll();
}

}  // namespace freshet::expr
