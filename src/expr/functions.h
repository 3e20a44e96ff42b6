// The functions of expressions, and how each is written.
#pragma once

#include <cstddef>
#include <string_view>

#include "expr/syntax.h"

namespace freshet::expr {

struct FunctionInfo {
  std::string_view name;
  Function function;
  bool is_function;  // f(x)
  bool is_method;    // x.f()
  size_t operand_count;
  std::string_view usage;
  size_t optional_operand_count = 0;
};

inline constexpr FunctionInfo kFunctions[] = {
    {"has", Function::kHas, true, false, 1, "has(name)"},
    {"size", Function::kSize, true, true, 1, "x.size() or size(x)"},
    {"contains", Function::kContains, false, true, 2, "x.contains(part)"},
    {"startsWith", Function::kStartsWith, false, true, 2, "x.startsWith(prefix)"},
    {"endsWith", Function::kEndsWith, false, true, 2, "x.endsWith(suffix)"},
    {"matches", Function::kMatches, true, true, 2, "x.matches('pattern')"},
    {"int", Function::kInt, true, false, 1, "int(x)"},
    {"double", Function::kDouble, true, false, 1, "double(x)"},
    {"string", Function::kString, true, false, 1, "string(x)"},
    {"abs", Function::kAbs, true, false, 1, "abs(x)"},
    {"ceil", Function::kCeil, true, false, 1, "ceil(x)"},
    {"floor", Function::kFloor, true, false, 1, "floor(x)"},
    {"round", Function::kRound, true, false, 1, "round(x)"},
    {"sqrt", Function::kSqrt, true, false, 1, "sqrt(x)"},
    {"log", Function::kLog, true, false, 1, "log(x)"},
    {"exp", Function::kExp, true, false, 1, "exp(x)"},
    {"pow", Function::kPow, true, false, 2, "pow(x, y)"},
    {"least", Function::kLeast, true, false, 2, "least(x, y)"},
    {"greatest", Function::kGreatest, true, false, 2, "greatest(x, y)"},
    {"lowerAscii", Function::kLowerAscii, false, true, 1, "x.lowerAscii()"},
    {"upperAscii", Function::kUpperAscii, false, true, 1, "x.upperAscii()"},
    {"trim", Function::kTrim, false, true, 1, "x.trim()"},
    {"getFullYear", Function::kGetFullYear, false, true, 1,
     "x.getFullYear() or x.getFullYear('time zone')", 1},
    {"getMonth", Function::kGetMonth, false, true, 1, "x.getMonth() or x.getMonth('time zone')", 1},
    {"getDate", Function::kGetDate, false, true, 1, "x.getDate() or x.getDate('time zone')", 1},
    {"getDayOfMonth", Function::kGetDayOfMonth, false, true, 1,
     "x.getDayOfMonth() or x.getDayOfMonth('time zone')", 1},
    {"getDayOfWeek", Function::kGetDayOfWeek, false, true, 1,
     "x.getDayOfWeek() or x.getDayOfWeek('time zone')", 1},
    {"getDayOfYear", Function::kGetDayOfYear, false, true, 1,
     "x.getDayOfYear() or x.getDayOfYear('time zone')", 1},
    {"getHours", Function::kGetHours, false, true, 1, "x.getHours() or x.getHours('time zone')", 1},
    {"getMinutes", Function::kGetMinutes, false, true, 1,
     "x.getMinutes() or x.getMinutes('time zone')", 1},
    {"getSeconds", Function::kGetSeconds, false, true, 1,
     "x.getSeconds() or x.getSeconds('time zone')", 1},
    {"getMilliseconds", Function::kGetMilliseconds, false, true, 1,
     "x.getMilliseconds() or x.getMilliseconds('time zone')", 1},
};

}  // namespace freshet::expr
