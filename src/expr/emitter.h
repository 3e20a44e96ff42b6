// Fourth stage: a checked syntax tree to code.
#pragma once

#include <span>

#include "expr/code.h"
#include "expr/program.h"
#include "expr/syntax.h"

namespace freshet::expr {

// Takes the texts of the tree over. False with *error filled when a pattern is not a regular
// expression.
bool Emit(SyntaxTree* tree, std::span<const Variable> variables, Code* code, CompileError* error);

}  // namespace freshet::expr
