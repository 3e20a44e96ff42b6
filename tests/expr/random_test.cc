// Random expressions over random values: what the compiled program answers is what the oracle
// expects.
#include <cmath>
#include <iostream>
#include <set>

#include <gtest/gtest.h>

#include "base/datum.h"
#include "expr/oracle.h"
#include "expr/program.h"
#include "expr/random_expression.h"
#include "support/seed.h"

namespace freshet::expr {
namespace {

constexpr int kExpressions = 10'000;
constexpr int kEvaluations = 5;

const std::vector<Variable> kVariables = {
    {"b", Type::kBool},      {"flag", Type::kBool},        {"i", Type::kInt64},
    {"small", Type::kInt32}, {"view.count", Type::kInt64}, {"d", Type::kDouble},
    {"ratio", Type::kFloat}, {"request.x", Type::kDouble}, {"s", Type::kString},
    {"kind", Type::kString}, {"at", Type::kTimestamp}};

bool AreSame(const Datum& a, const Datum& b) {
  bool are_doubles = a.kind() == Datum::Kind::kDouble && b.kind() == Datum::Kind::kDouble;
  if (are_doubles && std::isnan(a.as_double()) && std::isnan(b.as_double())) return true;
  return a == b;
}

void CollectVariables(const Expression& expression, std::set<size_t>* used) {
  if (expression.form == Form::kVariable) used->insert(expression.variable);
  for (const Expression& operand : expression.operands) CollectVariables(operand, used);
}

struct Counts {
  int values = 0;
  int nulls = 0;
  int errors = 0;
};

void EvaluateOnce(const Expression& expression, const Program& program, Scratch& scratch,
                  ExpressionGenerator& generator, Counts* counts) {
  std::vector<Value> values;
  for (const Variable& variable : kVariables)
    values.push_back(generator.RandomValue(variable.type));
  std::vector<Datum> datums;
  for (const Value& value : values) datums.push_back(ToDatum(value));

  std::optional<Value> expected = Expect(expression, values);
  Evaluation evaluation = program.Evaluate(datums, scratch);
  ASSERT_EQ(evaluation.error != nullptr, !expected.has_value())
      << (evaluation.error != nullptr ? evaluation.error : ToString(evaluation.value));
  if (!expected.has_value()) {
    ++counts->errors;
    return;
  }
  ++(evaluation.value.is_null() ? counts->nulls : counts->values);
  ASSERT_TRUE(AreSame(evaluation.value, ToDatum(*expected)))
      << "expected " << ToString(ToDatum(*expected)) << ", got " << ToString(evaluation.value);
}

TEST(RandomExpressions, MeanWhatTheOracleSays) {
  uint64_t seed = TestSeed();
  SCOPED_TRACE("FRESHET_TEST_SEED=" + std::to_string(seed));
  std::cout << "FRESHET_TEST_SEED=" << seed << "\n";
  ExpressionGenerator generator(seed, kVariables);
  Scratch scratch;
  Counts counts;
  for (int i = 0; i < kExpressions; ++i) {
    Expression expression = generator.Generate(generator.RandomType(), 1 + i % 5);
    std::string text = generator.Write(expression);
    SCOPED_TRACE(text);
    CompileError error;
    std::shared_ptr<const Program> program = Program::Compile(text, kVariables, &error);
    if (program == nullptr && error.message.find("longer than") != error.message.npos) continue;
    ASSERT_NE(program, nullptr) << error.offset << ": " << error.message;
    ASSERT_EQ(program->type(), expression.type);
    std::set<size_t> used;
    CollectVariables(expression, &used);
    ASSERT_EQ(program->used_variables(), std::vector<size_t>(used.begin(), used.end()));
    for (int j = 0; j < kEvaluations; ++j) {
      EvaluateOnce(expression, *program, scratch, generator, &counts);
      if (HasFatalFailure()) return;
    }
  }
  // The test is worth nothing when nearly all expressions end alike.
  EXPECT_GT(counts.values, kExpressions);
  EXPECT_GT(counts.errors, kExpressions / 10);
  EXPECT_GT(counts.nulls, 100);
}

}  // namespace
}  // namespace freshet::expr
