// Any text: compiles or is refused with an offset inside of it; what compiles evaluates to a value
// of its type, to null or to an error, and twice to the same.
#include <cstdlib>
#include <limits>

#include "base/check.h"
#include "base/datum.h"
#include "expr/program.h"

namespace {

using freshet::Datum;
using freshet::Type;
using freshet::expr::CompileError;
using freshet::expr::Evaluation;
using freshet::expr::Program;
using freshet::expr::Scratch;
using freshet::expr::Variable;

const std::vector<Variable> kVariables = {{"b", Type::kBool},      {"i", Type::kInt64},
                                          {"n", Type::kInt32},     {"d", Type::kDouble},
                                          {"f", Type::kFloat},     {"s", Type::kString},
                                          {"a.b", Type::kString},  {"t", Type::kTimestamp},
                                          {"m", Type::Decimal(2)}, {"q", Type::Decimal(18)}};

void CheckEvaluation(const Program& program, const std::vector<Datum>& values) {
  static Scratch used;
  Scratch fresh;
  Evaluation first = program.Evaluate(values, used);
  Evaluation second = program.Evaluate(values, fresh);
  FRESHET_CHECK(first.error == second.error);
  FRESHET_CHECK(first.value == second.value);
  FRESHET_CHECK(first.value.is_null() || first.value.kind() == freshet::KindOf(program.type()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  CompileError error;
  std::shared_ptr<const Program> program = Program::Compile(text, kVariables, &error);
  if (program == nullptr) {
    FRESHET_CHECK(error.offset <= text.size());
    FRESHET_CHECK(!error.message.empty());
    return 0;
  }
  CheckEvaluation(*program, std::vector<Datum>(kVariables.size()));
  CheckEvaluation(*program,
                  {Datum::Bool(true), Datum::Int(INT64_MIN), Datum::Int(7), Datum::Double(-1.5),
                   Datum::Double(std::numeric_limits<double>::infinity()), Datum::String("aé😀"),
                   Datum::String(""), Datum::Int(0), Datum::Int(INT64_MIN), Datum::Int(INT64_MAX)});
  CheckEvaluation(
      *program,
      {Datum::Bool(false), Datum::Int(3), Datum::Int(0), Datum::Double(0.0), Datum::Double(9.3e18),
       Datum::String("\xff\x80"
                     "12"),
       Datum::String("purchase"), Datum::Null(), Datum::Int(1250), Datum::Int(-7)});
  return 0;
}
