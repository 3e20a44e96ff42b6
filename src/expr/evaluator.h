// Runs code.
#pragma once

#include <span>

#include "expr/code.h"
#include "expr/program.h"
#include "expr/scratch.h"

namespace freshet::expr {

// `values` has a datum for every variable that the code was compiled with.
Evaluation Run(const Code& code, uint32_t instruction, std::span<const Datum> values,
               Scratch::Rep& scratch);

}  // namespace freshet::expr
