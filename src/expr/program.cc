#include "expr/program.h"

#include <algorithm>

#include "base/check.h"
#include "expr/checker.h"
#include "expr/code.h"
#include "expr/emitter.h"
#include "expr/evaluator.h"
#include "expr/parser.h"

namespace freshet::expr {
namespace {

Type TypeOf(StaticType type) {
  switch (type) {
    case StaticType::kBool:
      return Type::kBool;
    case StaticType::kInt:
      return Type::kInt64;
    case StaticType::kDouble:
      return Type::kDouble;
    case StaticType::kString:
      return Type::kString;
    case StaticType::kNull:
      break;
  }
  CheckFailed(__FILE__, __LINE__, "the checker refuses what is always null");
}

std::vector<size_t> UsedVariables(const SyntaxTree& tree) {
  std::vector<size_t> used;
  for (const Syntax& node : tree.nodes) {
    if (node.kind == SyntaxKind::kName) used.push_back(node.variable);
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return used;
}

class CompiledProgram : public Program {
 public:
  CompiledProgram(Type type, std::vector<size_t> used_variables, size_t variable_count)
      : type_(type), used_variables_(std::move(used_variables)), variable_count_(variable_count) {}

  Type type() const override { return type_; }
  const std::vector<size_t>& used_variables() const override { return used_variables_; }

  Evaluation Evaluate(std::span<const Datum> values, Scratch& scratch) const override {
    FRESHET_CHECK(values.size() >= variable_count_);
    return Run(code_, values, scratch.rep());
  }

  Code& code() { return code_; }

 private:
  Type type_;
  std::vector<size_t> used_variables_;
  size_t variable_count_;
  Code code_;
};

}  // namespace

std::shared_ptr<const Program> Program::Compile(std::string_view text,
                                                std::span<const Variable> variables,
                                                CompileError* error) {
  SyntaxTree tree;
  if (!Parse(text, &tree, error) || !Check(&tree, variables, error)) return nullptr;
  auto program = std::make_shared<CompiledProgram>(TypeOf(tree.nodes[tree.root].type),
                                                   UsedVariables(tree), variables.size());
  if (!Emit(&tree, variables, &program->code(), error)) return nullptr;
  return program;
}

}  // namespace freshet::expr
