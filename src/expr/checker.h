// Third stage: names, functions and types.
#pragma once

#include <span>

#include "expr/program.h"
#include "expr/syntax.h"

namespace freshet::expr {

// Fills in the types, variables and functions of the tree. False with *error filled when something
// is unknown or does not fit.
bool Check(SyntaxTree* tree, std::span<const Variable> variables, CompileError* error);

}  // namespace freshet::expr
