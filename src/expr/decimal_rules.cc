#include "expr/decimal_rules.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace freshet::expr {

bool DecimalRules::Fail(size_t offset, std::string message) {
  *error_ = {offset, std::move(message)};
  return false;
}

bool DecimalRules::Meet(Syntax& node, size_t first) {
  const auto is_decimal = [this](SyntaxIndex index) {
    return tree_->nodes[index].type == StaticType::kDecimal;
  };
  const auto begin = node.children.begin() + static_cast<ptrdiff_t>(first);
  if (std::none_of(begin, node.children.end(), is_decimal)) return true;
  for (auto child = begin; child != node.children.end(); ++child) {
    if (!Become(tree_->nodes[*child])) return false;
    node.scale = std::max(node.scale, tree_->nodes[*child].scale);
  }
  return true;
}

bool DecimalRules::Become(Syntax& operand) {
  if (operand.type != StaticType::kDouble) return true;
  if (operand.kind != SyntaxKind::kLiteral)
    return Fail(operand.offset, "a decimal meets a double here; write double(...) of the decimal");
  if (!operand.exact.has_value()) {
    return Fail(operand.offset,
                fmt::format("this number stands beside a decimal and is none: it has more than {} "
                            "digits after the point, or is too large",
                            kDecimalScaleMax));
  }
  operand.type = StaticType::kDecimal;
  operand.scale = operand.exact->scale;
  operand.literal = Datum::Int(operand.exact->unscaled);
  return true;
}

bool DecimalRules::CheckProduct(Syntax& node) {
  const Syntax& left = tree_->nodes[node.children[0]];
  const Syntax& right = tree_->nodes[node.children[1]];
  const int scale = left.scale + right.scale;
  node.scale = static_cast<uint8_t>(scale);
  if (scale <= kDecimalScaleMax) return true;
  return Fail(node.offset,
              fmt::format("the product of {} and {} has {} digits after the point; at most {} are "
                          "allowed",
                          TypeWord(left), TypeWord(right), scale, kDecimalScaleMax));
}

bool DecimalRules::CanStandInList(const Syntax& wanted, const Syntax& element) {
  const bool wants_decimal = wanted.type == StaticType::kDecimal;
  if (!wants_decimal && element.type != StaticType::kDecimal) return true;
  if (element.type == StaticType::kNull || wanted.type == StaticType::kNull) return true;
  if (wants_decimal && element.kind == SyntaxKind::kLiteral) return true;
  return wanted.type != StaticType::kDouble && wanted.scale == element.scale;
}

}  // namespace freshet::expr
