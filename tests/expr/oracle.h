// A naive evaluator: slow, recursive over the random tree, and sharing no code with the real one.
#pragma once

#include <optional>
#include <vector>

#include "freshet/value.h"

#include "expr/random_expression.h"

namespace freshet::expr {

// The value, std::monostate for null; nothing when the evaluation is an error.
std::optional<Value> Expect(const Expression& expression, const std::vector<Value>& variables);

}  // namespace freshet::expr
