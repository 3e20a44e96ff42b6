// What the checker knows of decimals: what they meet, and how many digits the outcome has.
#pragma once

#include <cstddef>
#include <string>

#include "expr/program.h"
#include "expr/syntax.h"

namespace freshet::expr {

// Methods that answer bool answer false once *error is filled.
class DecimalRules {
 public:
  DecimalRules(SyntaxTree* tree, CompileError* error) : tree_(tree), error_(error) {}

  // Where a decimal is among the operands from `first` on: numbers with a point that stand beside it are
  // decimals too, and the node has the most digits that one of them has.
  bool Meet(Syntax& node, size_t first = 0);
  // The same for one number that stands beside a decimal.
  bool Become(Syntax& operand);
  // Gives the node the digits of both factors.
  bool CheckProduct(Syntax& node);
  // Lists compare the units of decimals as they are; those of literals can be told beforehand.
  static bool CanStandInList(const Syntax& wanted, const Syntax& element);

 private:
  bool Fail(size_t offset, std::string message);

  SyntaxTree* tree_;
  CompileError* error_;
};

}  // namespace freshet::expr
