// Expressions: how long a definition takes to compile, and what an evaluation costs each event or
// row.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "expr/program.h"

namespace freshet::expr {
namespace {

const std::vector<Variable> kVariables = {{"kind", Type::kString},
                                          {"amount", Type::kDouble},
                                          {"request.basket_value", Type::kDouble},
                                          {"activity.spend_1d", Type::kDouble},
                                          {"activity.clicks_1h", Type::kInt64}};
const std::vector<Datum> kValues = {Datum::String("purchase"), Datum::Double(12.5),
                                    Datum::Double(100), Datum::Double(40), Datum::Int(7)};

constexpr std::string_view kFilter = "kind == 'purchase' && amount > 10.0";
constexpr std::string_view kRatio =
    "activity.clicks_1h == 0 ? 0.0 : request.basket_value / activity.clicks_1h";
constexpr std::string_view kList = "kind in ['view', 'cart', 'search', 'purchase']";
constexpr std::string_view kText = "kind + ':' + string(activity.clicks_1h)";
constexpr std::string_view kPattern = "kind.matches('^pur[a-z]+$')";

std::shared_ptr<const Program> MustCompile(std::string_view text) {
  CompileError error;
  std::shared_ptr<const Program> program = Program::Compile(text, kVariables, &error);
  FRESHET_CHECK(program != nullptr);
  return program;
}

void Compile(benchmark::State& state, std::string_view text) {
  for (auto _ : state) benchmark::DoNotOptimize(MustCompile(text));
}

void Evaluate(benchmark::State& state, std::string_view text) {
  std::shared_ptr<const Program> program = MustCompile(text);
  Scratch scratch;
  for (auto _ : state) {
    Evaluation evaluation = program->Evaluate(kValues, scratch);
    FRESHET_CHECK(evaluation.error == nullptr);
    benchmark::DoNotOptimize(evaluation.value);
  }
}

BENCHMARK_CAPTURE(Compile, filter, kFilter);
BENCHMARK_CAPTURE(Evaluate, filter, kFilter);
BENCHMARK_CAPTURE(Evaluate, ratio, kRatio);
BENCHMARK_CAPTURE(Evaluate, list, kList);
BENCHMARK_CAPTURE(Evaluate, text, kText);
BENCHMARK_CAPTURE(Evaluate, pattern, kPattern);

}  // namespace
}  // namespace freshet::expr
