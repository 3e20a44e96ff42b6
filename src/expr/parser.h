// Second stage: tokens to a syntax tree.
#pragma once

#include <string_view>

#include "expr/program.h"
#include "expr/syntax.h"

namespace freshet::expr {

// Parses a whole expression, within the limits of depth and size. False with *error filled on bad
// text.
bool Parse(std::string_view text, SyntaxTree* tree, CompileError* error);

}  // namespace freshet::expr
