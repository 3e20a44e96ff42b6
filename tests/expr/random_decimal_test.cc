// Random expressions of decimals over random values, against an oracle that keeps each number as an integer of
// 128 bits and the place of its point.
#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "expr/program.h"
#include "support/seed.h"

namespace freshet::expr {
namespace {

__extension__ typedef __int128 Wide;

const std::vector<Variable> kVariables = {{"d0", Type::Decimal(0)},   {"d2", Type::Decimal(2)},
                                          {"d4", Type::Decimal(4)},   {"e2", Type::Decimal(2)},
                                          {"d18", Type::Decimal(18)}, {"i", Type::kInt64}};
constexpr size_t kIntVariable = 5;

// What an evaluation comes to: units of the node's scale, null, or an error.
struct Outcome {
  bool is_error = false;
  std::optional<Wide> units;
};
const Outcome kError{true, {}};

using Values = std::vector<std::optional<int64_t>>;

struct Node {
  std::string text;
  bool is_int = false;  // of scale 0, and not a decimal
  int scale = 0;
  std::function<Outcome(const Values&)> evaluate;
};

Wide Power(int exponent) {
  Wide power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

Outcome Checked(Wide units) {
  return units < INT64_MIN || units > INT64_MAX ? kError : Outcome{false, units};
}

// With as many digits as another number has.
Outcome Widened(const Outcome& outcome, int from, int to) {
  if (outcome.is_error || !outcome.units.has_value()) return outcome;
  return Checked(*outcome.units * Power(to - from));
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  Values RandomValues() {
    static const int64_t kEdges[] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, 0, 1, -1, 100, 150, 1050};
    Values values;
    for (size_t i = 0; i < kVariables.size(); ++i) {
      if (Below(8) == 0)
        values.emplace_back();
      else if (Below(6) == 0)
        values.emplace_back(kEdges[Below(std::size(kEdges))]);
      else
        values.emplace_back(static_cast<int64_t>(random_()) >> (20 + Below(44)));
    }
    return values;
  }

  Node Decimal(int depth) {
    if (depth == 0) return Variable(Below(kIntVariable));
    switch (Below(7)) {
      case 0:
        return Negated(Decimal(depth - 1));
      case 1:
        return Chosen(depth);
      case 2:
        return OfFunction(depth);
      case 3:
      case 4:
        return Product(depth);
      default:
        return Sum(depth);
    }
  }

  // Answers 0 or 1.
  Node Condition(int depth) { return Below(4) == 0 ? InList(depth) : Comparison(depth); }

 private:
  static Node Variable(size_t index) {
    return {kVariables[index].name, kVariables[index].type == Type::kInt64,
            kVariables[index].type.scale, [index](const Values& values) {
              Outcome outcome;
              if (values[index].has_value()) outcome.units = *values[index];
              return outcome;
            }};
  }

  // One that is a decimal, if it has a point, because it stands beside one.
  Node Literal() {
    const auto whole = static_cast<int64_t>(Below(40)) - 20;
    const int digits = static_cast<int>(Below(4));
    const auto fraction = static_cast<int64_t>(Below(static_cast<size_t>(Power(digits))));
    Wide units = (whole < 0 ? -1 : 1) * (std::abs(whole) * Power(digits) + fraction);
    std::string text = fmt::format("{}", whole);
    if (digits > 0) text += fmt::format(".{:0{}}", fraction, digits);
    int scale = digits;
    for (; scale > 0 && units % 10 == 0; --scale) units /= 10;
    return {text, digits == 0, scale, [units](const Values&) { return Outcome{false, units}; }};
  }

  Node Other(int depth) {
    switch (Below(4)) {
      case 0:
        return Literal();
      case 1:
        return Variable(kIntVariable);
      default:
        return Decimal(depth);
    }
  }

  // Two operands of which one is a decimal for sure.
  std::pair<Node, Node> Operands(int depth) {
    std::pair<Node, Node> operands = {Decimal(depth - 1), Other(depth - 1)};
    if (Below(2) == 0) std::swap(operands.first, operands.second);
    return operands;
  }

  static Node Negated(const Node& operand) {
    return {fmt::format("-({})", operand.text), false, operand.scale,
            [operand](const Values& values) {
              const Outcome a = operand.evaluate(values);
              return a.is_error || !a.units.has_value() ? kError : Checked(-*a.units);
            }};
  }

  // `combine` takes units of the scale of the result.
  static Node Combined(std::string text, const Node& a, const Node& b,
                       std::function<Wide(Wide, Wide)> combine) {
    const int scale = std::max(a.scale, b.scale);
    return {std::move(text), false, scale, [=](const Values& values) {
              const Outcome left = Widened(a.evaluate(values), a.scale, scale);
              const Outcome right = Widened(b.evaluate(values), b.scale, scale);
              if (left.is_error || right.is_error) return kError;
              if (!left.units.has_value() || !right.units.has_value()) return kError;
              return Checked(combine(*left.units, *right.units));
            }};
  }

  Node Sum(int depth) {
    const auto [a, b] = Operands(depth);
    const bool adds = Below(2) == 0;
    return Combined(fmt::format("({} {} {})", a.text, adds ? "+" : "-", b.text), a, b,
                    [adds](Wide x, Wide y) { return adds ? x + y : x - y; });
  }

  Node OfFunction(int depth) {
    if (Below(3) == 0) {
      const Node a = Decimal(depth - 1);
      return Combined(fmt::format("abs({})", a.text), a, a,
                      [](Wide x, Wide) { return x < 0 ? -x : x; });
    }
    const auto [a, b] = Operands(depth);
    const bool least = Below(2) == 0;
    return Combined(fmt::format("{}({}, {})", least ? "least" : "greatest", a.text, b.text), a, b,
                    [least](Wide x, Wide y) { return (x < y) == least ? x : y; });
  }

  Node Product(int depth) {
    const auto [a, b] = Operands(depth);
    if (a.scale + b.scale > kDecimalScaleMax) return Sum(depth);
    return {fmt::format("({} * {})", a.text, b.text), false, a.scale + b.scale,
            [a = a, b = b](const Values& values) {
              const Outcome left = a.evaluate(values);
              const Outcome right = b.evaluate(values);
              if (left.is_error || right.is_error) return kError;
              if (!left.units.has_value() || !right.units.has_value()) return kError;
              return Checked(*left.units * *right.units);
            }};
  }

  Node Chosen(int depth) {
    const Node condition = Condition(depth - 1);
    const auto [a, b] = Operands(depth);
    const int scale = std::max(a.scale, b.scale);
    return {fmt::format("({} ? {} : {})", condition.text, a.text, b.text), false, scale,
            [=, a = a, b = b](const Values& values) {
              const Outcome which = condition.evaluate(values);
              if (which.is_error) return kError;
              const Node& chosen = *which.units == 1 ? a : b;
              return Widened(chosen.evaluate(values), chosen.scale, scale);
            }};
  }

  Node Comparison(int depth) {
    static const char* const kWords[] = {"==", "!=", "<", "<=", ">", ">="};
    const size_t word = Below(6);
    const auto [a, b] = Operands(std::max(depth, 1));
    return {fmt::format("({} {} {})", a.text, kWords[word], b.text), false, 0,
            [=, a = a, b = b](const Values& values) {
              return Compare(word, a, b, a.evaluate(values), b.evaluate(values));
            }};
  }

  static Outcome Compare(size_t word, const Node& a, const Node& b, const Outcome& left,
                         const Outcome& right) {
    if (left.is_error || right.is_error) return kError;
    const bool is_null = !left.units.has_value() || !right.units.has_value();
    if (is_null && word > 1) return kError;
    if (is_null) {
      const bool same = !left.units.has_value() && !right.units.has_value();
      return {false, same == (word == 0) ? 1 : 0};
    }
    const Wide x = *left.units * Power(kDecimalScaleMax - a.scale);
    const Wide y = *right.units * Power(kDecimalScaleMax - b.scale);
    const bool answers[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};
    return {false, answers[word] ? 1 : 0};
  }

  Node InList(int depth) {
    const Node wanted = Decimal(depth);
    std::vector<Node> elements;
    std::string text;
    for (size_t i = Below(5); i > 0; --i) {
      Node element = Below(4) == 0 ? Variable(Below(kIntVariable)) : Literal();
      const bool is_variable = element.text[0] == 'd' || element.text[0] == 'e';
      if (is_variable && element.scale != wanted.scale) continue;
      text += (text.empty() ? "" : ", ") + element.text;
      elements.push_back(std::move(element));
    }
    return {fmt::format("({} in [{}])", wanted.text, text), false, 0, [=](const Values& values) {
              const Outcome left = wanted.evaluate(values);
              if (left.is_error) return kError;
              bool found = false;
              for (const Node& element : elements) {
                const Outcome same = Compare(0, wanted, element, left, element.evaluate(values));
                found = found || *same.units == 1;
              }
              return Outcome{false, found ? 1 : 0};
            }};
  }

  std::mt19937_64 random_;
};

struct Counts {
  int values = 0;
  int errors = 0;
  int nulls = 0;
};

void Check(const Node& node, const Program& program, const Values& values, Scratch& scratch,
           Counts* counts) {
  std::vector<Datum> datums;
  for (const std::optional<int64_t>& value : values)
    datums.push_back(value.has_value() ? Datum::Int(*value) : Datum::Null());
  const Evaluation evaluation = program.Evaluate(datums, scratch);
  const Outcome expected = node.evaluate(values);
  ASSERT_EQ(evaluation.error != nullptr, expected.is_error)
      << (evaluation.error != nullptr ? evaluation.error : ToString(evaluation.value));
  if (expected.is_error) {
    ++counts->errors;
    return;
  }
  ASSERT_EQ(evaluation.value.is_null(), !expected.units.has_value());
  if (!expected.units.has_value()) {
    ++counts->nulls;
    return;
  }
  ++counts->values;
  const bool is_bool = program.type() == Type::kBool;
  ASSERT_EQ(is_bool ? evaluation.value.as_bool() : evaluation.value.as_int(),
            static_cast<int64_t>(*expected.units));
}

TEST(RandomDecimals, AreComputedExactlyOrNotAtAll) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE("FRESHET_TEST_SEED=" + std::to_string(seed));
  Generator generator(seed);
  Scratch scratch;
  Counts counts;
  const uint64_t cases = TestCases(10'000);
  for (uint64_t i = 0; i < cases; ++i) {
    const int depth = static_cast<int>(i % 4);
    const bool is_condition = i % 3 == 0;
    const Node node = is_condition ? generator.Condition(depth) : generator.Decimal(depth);
    SCOPED_TRACE(node.text);
    CompileError error;
    const auto program = Program::Compile(node.text, kVariables, &error);
    ASSERT_NE(program, nullptr) << error.offset << ": " << error.message;
    ASSERT_EQ(program->type(),
              is_condition ? Type(Type::kBool) : Type::Decimal(static_cast<uint8_t>(node.scale)));
    for (int j = 0; j < 5; ++j) {
      Check(node, *program, generator.RandomValues(), scratch, &counts);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(counts.values, static_cast<int>(cases));
  EXPECT_GT(counts.errors, static_cast<int>(cases) / 10);
  EXPECT_GT(counts.nulls, static_cast<int>(cases) / 100);
}

}  // namespace
}  // namespace freshet::expr
