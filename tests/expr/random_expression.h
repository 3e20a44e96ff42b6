// Random well-typed expressions as trees, to be written as text for the compiler and evaluated
// naively by the oracle.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "freshet/value.h"

#include "expr/program.h"

namespace freshet::expr {

enum class Form {
  kLiteral,
  kVariable,
  kOperator,  // prefix with one operand, infix with two; `word` is its spelling
  kConditional,
  kIn,        // the first operand in the list of the others
  kFunction,  // word(operands)
  kMethod,    // first operand.word(others)
  kNull,
};

struct Expression {
  Form form = Form::kLiteral;
  Type type = Type::kBool;  // kBool, kInt64, kDouble or kString
  std::string word;
  Value literal;        // kLiteral
  size_t variable = 0;  // kVariable, and has()
  std::vector<Expression> operands;
};

class ExpressionGenerator {
 public:
  ExpressionGenerator(uint64_t seed, std::vector<Variable> variables)
      : random_(seed), variables_(std::move(variables)) {}

  Expression Generate(Type type, int depth);
  // With few parentheses more than precedence asks for.
  std::string Write(const Expression& expression);
  // A random value of the type, null now and then.
  Value RandomValue(Type type);
  Type RandomType();

 private:
  size_t Below(size_t count) {
    return std::uniform_int_distribution<size_t>(0, count - 1)(random_);
  }
  bool OneIn(size_t count) { return Below(count) == 0; }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

  Value RandomScalar(Type type);
  Expression Leaf(Type type);
  Expression Conditional(Type type, int depth);
  Expression GenerateBool(int depth);
  Expression GenerateInt(int depth);
  Expression GenerateDouble(int depth);
  Expression GenerateString(int depth);
  Expression Make(Form form, Type type, std::string word, std::vector<Expression> operands);
  // A type whose values can equal those of `type`.
  Type Peer(Type type);
  std::string WriteOperand(const Expression& expression, int binding);
  std::string WriteBare(const Expression& expression);
  std::string WriteList(const Expression& expression, size_t first);

  std::mt19937_64 random_;
  std::vector<Variable> variables_;
};

}  // namespace freshet::expr
