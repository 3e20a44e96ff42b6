// Typed expressions: a subset of the Common Expression Language (cel-spec), compiled once when
// definitions load, evaluated without parsing, name look-ups or, strings apart, allocation.
//
// Types are int (int64), double, decimal(n), string, bool and null; a list is a literal to the right of
// `in`.
// docs/expressions.md is the reference. Where it is not CEL:
//   - an int that meets a double in arithmetic or in the branches of ?: becomes a double, and
//     comparisons of the two are exact;
//   - names are typed when the program is compiled, and a name's value may always be null. An
//     operator that meets null is an error, except == and !=, `in`, and has(name), which is true
//     when the value of the name is not null.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "base/datum.h"

namespace freshet::expr {

// A name that expressions may use. Dotted names are one name: "request.basket_value",
// "activity.spend_1d".
struct Variable {
  std::string name;
  Type type;
};

struct CompileError {
  size_t offset = 0;    // of the offending byte in the expression's text
  std::string message;  // what is wrong and, where there is a near word, what was probably meant
};

// Memory for the strings that one evaluation builds; reuse one per thread. Datums that an
// evaluation returned are valid until the next evaluation with the same scratch.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;

  struct Rep;
  Rep& rep() { return *rep_; }

 private:
  std::unique_ptr<Rep> rep_;
};

// The outcome of one evaluation: a value, or why there is none.
struct Evaluation {
  Datum value;
  const char* error =
      nullptr;  // a static text such as "division by zero"; null when `value` is the answer
};

// One part of an expression, as one evaluation found it.
struct Step {
  uint32_t depth = 0;  // 0: the whole expression; an operand is one deeper than its operator
  std::string_view text;
  bool is_evaluated = false;    // false for what the evaluation had no need of
  Value value;                  // of a decimal its text
  const char* error = nullptr;  // as Evaluation's
};

// Immutable once compiled; any number of threads may evaluate it, each with a scratch of its own.
class Program {
 public:
  // `variables` are the names in scope; their positions are the positions of the values that
  // Evaluate takes. On failure fills *error and returns null.
  static std::shared_ptr<const Program> Compile(std::string_view text,
                                                std::span<const Variable> variables,
                                                CompileError* error);

  virtual ~Program() = default;
  // As it was compiled.
  virtual std::string_view text() const = 0;
  // kBool, kInt64, kDouble, kString or a decimal. An expression that is always null or yields a list does not
  // compile as a whole.
  virtual Type type() const = 0;
  // The positions of the variables that the program reads, ascending, each once.
  virtual const std::vector<size_t>& used_variables() const = 0;
  // `values` has a datum for every variable in scope; those that the program does not use are not
  // looked at.
  virtual Evaluation Evaluate(std::span<const Datum> values, Scratch& scratch) const = 0;
  // The expression and its parts, but literals, each before its operands. Evaluates each by itself:
  // for people who look, not for serving. Texts borrow from the program.
  virtual std::vector<Step> Explain(std::span<const Datum> values, Scratch& scratch) const = 0;
};

}  // namespace freshet::expr
