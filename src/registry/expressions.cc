#include "registry/expressions.h"

#include <optional>

#include <fmt/format.h>

#include "base/decimal.h"
#include "expr/lexer.h"

namespace freshet::registry {
namespace {

// Beside a decimal a number means the digits that are written, which one double may stand for several of.
bool IsSameNumber(const expr::Token& a, const expr::Token& b) {
  const std::optional<Decimal> a_exact = ReadDecimal(a.spelling);
  const std::optional<Decimal> b_exact = ReadDecimal(b.spelling);
  if (a_exact.has_value() != b_exact.has_value()) return false;
  if (a_exact.has_value() && CompareDecimals(*a_exact, *b_exact) != 0) return false;
  return a.number == b.number;
}

bool IsSameToken(const expr::Token& a, const expr::Token& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case expr::TokenKind::kString:
      return a.text == b.text;
    case expr::TokenKind::kInt:
      return a.magnitude == b.magnitude;
    case expr::TokenKind::kDouble:
      return IsSameNumber(a, b);
    default:
      return a.spelling == b.spelling;
  }
}

bool IsWord(const expr::Token& token) {
  return token.kind == expr::TokenKind::kName || token.kind == expr::TokenKind::kReserved;
}

}  // namespace

std::vector<expr::Variable> VariablesOf(const std::vector<Field>& fields) {
  std::vector<expr::Variable> variables;
  for (const Field& field : fields) variables.push_back({field.name, field.type});
  return variables;
}

std::shared_ptr<const expr::Program> CompileNode(const yaml::Node& node, const std::string& text,
                                                 std::span<const expr::Variable> variables) {
  expr::CompileError error;
  std::shared_ptr<const expr::Program> program = expr::Program::Compile(text, variables, &error);
  if (program == nullptr) node.ReportAt(error.offset, error.message);
  return program;
}

std::shared_ptr<const expr::Program> CompileCondition(const yaml::Node& node, std::string_view key,
                                                      const std::string& text,
                                                      std::span<const expr::Variable> variables) {
  std::shared_ptr<const expr::Program> program = CompileNode(node, text, variables);
  if (program != nullptr && program->type() != Type::kBool) {
    node.Report(fmt::format("{} must be a condition, true or false; this is of type {}", key,
                            TypeName(program->type())));
  }
  return program;
}

std::vector<DottedName> DottedNames(std::string_view text) {
  std::vector<DottedName> names;
  std::vector<expr::Token> tokens;
  expr::CompileError ignored;
  if (!expr::Tokenize(text, &tokens, &ignored)) return names;
  for (size_t i = 0; i + 2 < tokens.size(); ++i) {
    bool continues = i > 0 && tokens[i - 1].kind == expr::TokenKind::kDot;
    if (continues || tokens[i].kind != expr::TokenKind::kName ||
        tokens[i + 1].kind != expr::TokenKind::kDot || !IsWord(tokens[i + 2])) {
      continue;
    }
    // `now.getHours()`: a method, of a name without dots.
    if (i + 3 < tokens.size() && tokens[i + 3].kind == expr::TokenKind::kLeftParenthesis) continue;
    names.push_back(
        {tokens[i].offset, tokens[i].spelling, tokens[i + 2].offset, tokens[i + 2].spelling});
  }
  return names;
}

bool IsSameExpression(std::string_view a, std::string_view b) {
  if (a == b) return true;
  std::vector<expr::Token> tokens_a;
  std::vector<expr::Token> tokens_b;
  expr::CompileError ignored;
  if (!expr::Tokenize(a, &tokens_a, &ignored) || !expr::Tokenize(b, &tokens_b, &ignored))
    return false;
  if (tokens_a.size() != tokens_b.size()) return false;
  for (size_t i = 0; i < tokens_a.size(); ++i) {
    if (!IsSameToken(tokens_a[i], tokens_b[i])) return false;
  }
  return true;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace freshet::registry
