#include "expr/lexer.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "base/utf8.h"
#include "expr/characters.h"
#include "expr/literals.h"

namespace freshet::expr {
namespace {

struct Spelling {
  std::string_view text;
  TokenKind kind;
};

// Longer ones first.
constexpr Spelling kOperators[] = {
    {"||", TokenKind::kOr},
    {"&&", TokenKind::kAnd},
    {"==", TokenKind::kEqual},
    {"!=", TokenKind::kNotEqual},
    {"<=", TokenKind::kLessEqual},
    {">=", TokenKind::kGreaterEqual},
    {"<", TokenKind::kLess},
    {">", TokenKind::kGreater},
    {"?", TokenKind::kQuestion},
    {":", TokenKind::kColon},
    {"+", TokenKind::kPlus},
    {"-", TokenKind::kMinus},
    {"*", TokenKind::kStar},
    {"/", TokenKind::kSlash},
    {"%", TokenKind::kPercent},
    {"!", TokenKind::kNot},
    {".", TokenKind::kDot},
    {",", TokenKind::kComma},
    {"(", TokenKind::kLeftParenthesis},
    {")", TokenKind::kRightParenthesis},
    {"[", TokenKind::kLeftBracket},
    {"]", TokenKind::kRightBracket},
};

constexpr Spelling kWords[] = {
    {"true", TokenKind::kTrue},
    {"false", TokenKind::kFalse},
    {"null", TokenKind::kNull},
    {"in", TokenKind::kIn},
};

constexpr std::string_view kReservedWords[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

// What other languages write for an operator of this one.
struct Slip {
  std::string_view text;
  std::string_view meant;
};
constexpr Slip kSlips[] = {{"<>", "!="}, {"=", "=="}, {"&", "&&"}, {"|", "||"}};

TokenKind KindOfWord(std::string_view word) {
  for (const Spelling& known : kWords) {
    if (word == known.text) return known.kind;
  }
  bool reserved = std::find(std::begin(kReservedWords), std::end(kReservedWords), word) !=
                  std::end(kReservedWords);
  return reserved ? TokenKind::kReserved : TokenKind::kName;
}

bool IsQuote(char c) {
  return c == '\'' || c == '"';
}

class Lexer {
 public:
  Lexer(std::string_view text, CompileError* error) : text_(text), error_(error) {}

  bool Read(std::vector<Token>* tokens) {
    while (SkipGap()) {
      Token token;
      if (!ReadToken(&token)) return false;
      at_ = token.offset + token.spelling.size();
      tokens->push_back(std::move(token));
    }
    Token end;
    end.offset = text_.size();
    tokens->push_back(std::move(end));
    return true;
  }

 private:
  // To the next token; false at the end.
  bool SkipGap() {
    while (at_ < text_.size()) {
      if (IsSpace(text_[at_])) {
        ++at_;
      } else if (text_.substr(at_).starts_with("//")) {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else {
        return true;
      }
    }
    return false;
  }

  bool ReadToken(Token* token) {
    char first = text_[at_];
    char second = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (IsDigit(first) || (first == '.' && IsDigit(second))) {
      return ReadNumber(text_, at_, token, error_);
    }
    if (IsQuote(first) || ((first == 'r' || first == 'R') && IsQuote(second))) {
      return ReadString(text_, at_, token, error_);
    }
    if (IsNameStart(first)) return ReadWord(token);
    return ReadOperator(token);
  }

  bool ReadWord(Token* token) {
    size_t end = at_;
    while (end < text_.size() && IsNameCharacter(text_[end])) ++end;
    std::string_view word = text_.substr(at_, end - at_);
    if (end < text_.size() && IsQuote(text_[end])) {
      return Fail(
          fmt::format("strings have no prefix {0}; only r is known, for raw strings", word));
    }
    Take(KindOfWord(word), word.size(), token);
    return true;
  }

  bool ReadOperator(Token* token) {
    std::string_view rest = text_.substr(at_);
    for (const Slip& slip : kSlips) {
      bool is_slip = rest.starts_with(slip.text) && !rest.starts_with(slip.meant);
      if (is_slip) {
        return Fail(
            fmt::format("'{}' is not an operator; did you mean '{}'?", slip.text, slip.meant));
      }
    }
    for (const Spelling& known : kOperators) {
      if (rest.starts_with(known.text)) {
        Take(known.kind, known.text.size(), token);
        return true;
      }
    }
    if (rest[0] == '{') return Fail("maps and messages are not available in expressions");
    return Fail(fmt::format("'{}' does not belong in an expression", CodePointAt(rest)));
  }

  static std::string_view CodePointAt(std::string_view rest) {
    size_t size = 1;
    while (size < rest.size() && FirstInvalidUtf8(rest.substr(0, size)) != rest.npos) ++size;
    return rest.substr(0, size);
  }

  void Take(TokenKind kind, size_t size, Token* token) {
    token->kind = kind;
    token->offset = at_;
    token->spelling = text_.substr(at_, size);
  }

  bool Fail(std::string message) {
    *error_ = {at_, std::move(message)};
    return false;
  }

  std::string_view text_;
  CompileError* error_;
  size_t at_ = 0;
};

}  // namespace

bool Tokenize(std::string_view text, std::vector<Token>* tokens, CompileError* error) {
  if (size_t bad = FirstInvalidUtf8(text); bad != text.npos) {
    *error = {bad, "the expression is not UTF-8 text"};
    return false;
  }
  return Lexer(text, error).Read(tokens);
}

}  // namespace freshet::expr
