// What number and string literals stand for.
#pragma once

#include <string>
#include <string_view>

#include "expr/lexer.h"
#include "expr/program.h"

namespace freshet::expr {

// Reads the number at `offset`, which starts with a digit or with a dot and a digit.
bool ReadNumber(std::string_view text, size_t offset, Token* token, CompileError* error);

// Reads the string literal at `offset`, where an opening quote or an r and a quote stand.
bool ReadString(std::string_view text, size_t offset, Token* token, CompileError* error);

}  // namespace freshet::expr
