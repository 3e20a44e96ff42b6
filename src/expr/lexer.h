// First stage: text to tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "expr/program.h"

namespace freshet::expr {

enum class TokenKind : uint8_t {
  kEnd,
  kName,
  kReserved,  // a word that CEL keeps for its hosts; a name only after a dot
  kInt,
  kDouble,
  kString,
  kTrue,
  kFalse,
  kNull,
  kIn,
  kQuestion,
  kColon,
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kNot,
  kDot,
  kComma,
  kLeftParenthesis,
  kRightParenthesis,
  kLeftBracket,
  kRightBracket,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t offset = 0;
  std::string_view spelling;  // borrowed from the text; empty for kEnd
  uint64_t magnitude = 0;     // kInt: at most 2^63, which fits only behind a minus
  double number = 0;          // kDouble: finite
  std::string text;           // kString: what the literal stands for
};

// Appends the tokens of `text`, the last of which is kEnd. False with *error filled on bad text.
bool Tokenize(std::string_view text, std::vector<Token>* tokens, CompileError* error);

}  // namespace freshet::expr
