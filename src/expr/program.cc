#include "expr/program.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "expr/checker.h"
#include "expr/code.h"
#include "expr/emitter.h"
#include "expr/evaluator.h"
#include "expr/parser.h"

namespace freshet::expr {
namespace {

Type TypeOf(const Syntax& node) {
  switch (node.type) {
    case StaticType::kBool:
      return Type::kBool;
    case StaticType::kInt:
      return Type::kInt64;
    case StaticType::kDouble:
      return Type::kDouble;
    case StaticType::kString:
      return Type::kString;
    case StaticType::kDecimal:
      return Type::Decimal(node.scale);
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

// A node of the tree, as far as Explain follows it.
struct Part {
  SyntaxKind kind = SyntaxKind::kLiteral;
  Operator op = Operator::kNone;
  size_t begin = 0;
  size_t end = 0;
  size_t variable = 0;
  std::optional<uint8_t> scale;  // of a decimal
  std::vector<SyntaxIndex> children;
};

std::vector<Part> PartsOf(const SyntaxTree& tree) {
  std::vector<Part> parts;
  parts.reserve(tree.nodes.size());
  for (const Syntax& node : tree.nodes) {
    const bool is_decimal = node.type == StaticType::kDecimal;
    parts.push_back({node.kind, node.op, node.begin, node.end, node.variable,
                     is_decimal ? std::optional(node.scale) : std::nullopt, node.children});
  }
  return parts;
}

// The parts of one evaluation, in the order of Explain.
class Explainer {
 public:
  Explainer(std::string_view text, const std::vector<Part>& parts, const Code& code,
            std::span<const Datum> values, Scratch& scratch)
      : text_(text), parts_(parts), code_(code), values_(values), scratch_(scratch) {}

  std::vector<Step> Explain(SyntaxIndex root) {
    Visit(root, 0, true);
    return std::move(steps_);
  }

 private:
  void Visit(SyntaxIndex index, uint32_t depth, bool is_evaluated) {
    const Part& part = parts_[index];
    if (part.kind == SyntaxKind::kLiteral) return;
    if (part.kind == SyntaxKind::kList) {
      for (const SyntaxIndex element : part.children) Visit(element, depth, is_evaluated);
      return;
    }
    Step step{.depth = depth, .text = text_.substr(part.begin, part.end - part.begin)};
    step.is_evaluated = is_evaluated;
    if (is_evaluated) {
      const Evaluation evaluation = EvaluationOf(index);
      step.value = part.scale.has_value() ? ToReadable(Type::Decimal(*part.scale), evaluation.value)
                                          : ToValue(evaluation.value);
      step.error = evaluation.error;
    }
    steps_.push_back(std::move(step));
    for (size_t i = 0; i < part.children.size(); ++i)
      Visit(part.children[i], depth + 1, is_evaluated && IsNeeded(part, i));
  }

  Evaluation EvaluationOf(SyntaxIndex index) {
    const Part& part = parts_[index];
    // The name that has() asks for has no instruction.
    if (part.kind == SyntaxKind::kName) return {values_[part.variable], nullptr};
    return Run(code_, code_.instruction_of_node[index], values_, scratch_.rep());
  }

  // What the first operand says alone leaves the others without a say.
  bool IsNeeded(const Part& part, size_t child) {
    const bool is_logic = part.op == Operator::kAnd || part.op == Operator::kOr;
    const bool is_conditional = part.kind == SyntaxKind::kConditional;
    if (child == 0 || (!is_logic && !is_conditional)) return true;
    const Evaluation first = EvaluationOf(part.children[0]);
    const bool is_known = first.error == nullptr && !first.value.is_null();
    if (is_conditional) return is_known && first.value.as_bool() == (child == 1);
    return !is_known || first.value.as_bool() == (part.op == Operator::kAnd);
  }

  const std::string_view text_;
  const std::vector<Part>& parts_;
  const Code& code_;
  const std::span<const Datum> values_;
  Scratch& scratch_;
  std::vector<Step> steps_;
};

class CompiledProgram : public Program {
 public:
  CompiledProgram(std::string_view text, const SyntaxTree& tree, size_t variable_count)
      : type_(TypeOf(tree.nodes[tree.root])),
        used_variables_(UsedVariables(tree)),
        variable_count_(variable_count),
        text_(text),
        parts_(PartsOf(tree)),
        root_(tree.root) {}

  std::string_view text() const override { return text_; }
  Type type() const override { return type_; }
  const std::vector<size_t>& used_variables() const override { return used_variables_; }

  Evaluation Evaluate(std::span<const Datum> values, Scratch& scratch) const override {
    FRESHET_CHECK(values.size() >= variable_count_);
    return Run(code_, code_.root, values, scratch.rep());
  }

  std::vector<Step> Explain(std::span<const Datum> values, Scratch& scratch) const override {
    FRESHET_CHECK(values.size() >= variable_count_);
    return Explainer(text_, parts_, code_, values, scratch).Explain(root_);
  }

  Code& code() { return code_; }

 private:
  Type type_;
  std::vector<size_t> used_variables_;
  size_t variable_count_;
  std::string text_;
  std::vector<Part> parts_;
  SyntaxIndex root_;
  Code code_;
};

}  // namespace

std::shared_ptr<const Program> Program::Compile(std::string_view text,
                                                std::span<const Variable> variables,
                                                CompileError* error) {
  SyntaxTree tree;
  if (!Parse(text, &tree, error) || !Check(&tree, variables, error)) return nullptr;
  auto program = std::make_shared<CompiledProgram>(text, tree, variables.size());
  if (!Emit(&tree, variables, &program->code(), error)) return nullptr;
  return program;
}

}  // namespace freshet::expr
