// Expressions as definitions hold them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/program.h"
#include "registry/definitions.h"
#include "yaml/document.h"

namespace freshet::registry {

// The names of fields, each with its type.
std::vector<expr::Variable> VariablesOf(const std::vector<Field>& fields);

// Null, and the error reported at its place inside the scalar, when the text does not compile.
std::shared_ptr<const expr::Program> CompileNode(const yaml::Node& node, const std::string& text,
                                                 std::span<const expr::Variable> variables);

// Likewise of a condition, which is true or false; `key` is what it stands under.
std::shared_ptr<const expr::Program> CompileCondition(const yaml::Node& node, std::string_view key,
                                                      const std::string& text,
                                                      std::span<const expr::Variable> variables);

// "a.b" as it stands in an expression.
struct DottedName {
  size_t offset = 0;
  std::string_view head;
  size_t tail_offset = 0;
  std::string_view tail;
};
// All names with a dot, in their order; a longer chain gives its first two. Nothing for a text that
// is no expression.
std::vector<DottedName> DottedNames(std::string_view text);

// Whether two texts are the same expression, white space and quotes aside.
bool IsSameExpression(std::string_view a, std::string_view b);

// Without white space at its ends.
std::string_view Trimmed(std::string_view text);

}  // namespace freshet::registry
