#include "expr/parser.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "base/limits.h"
#include "expr/lexer.h"

namespace freshet::expr {
namespace {

// Binary operators by how tightly they bind, loosest first; all associate to the left.
constexpr int kLoosest = 0;
constexpr int kTightest = 4;

struct BinaryOperator {
  TokenKind token;
  Operator op;
  int level;
};
constexpr BinaryOperator kBinaryOperators[] = {
    {TokenKind::kOr, Operator::kOr, 0},
    {TokenKind::kAnd, Operator::kAnd, 1},
    {TokenKind::kEqual, Operator::kEqual, 2},
    {TokenKind::kNotEqual, Operator::kNotEqual, 2},
    {TokenKind::kLess, Operator::kLess, 2},
    {TokenKind::kLessEqual, Operator::kLessEqual, 2},
    {TokenKind::kGreater, Operator::kGreater, 2},
    {TokenKind::kGreaterEqual, Operator::kGreaterEqual, 2},
    {TokenKind::kIn, Operator::kIn, 2},
    {TokenKind::kPlus, Operator::kAdd, 3},
    {TokenKind::kMinus, Operator::kSubtract, 3},
    {TokenKind::kStar, Operator::kMultiply, 4},
    {TokenKind::kSlash, Operator::kDivide, 4},
    {TokenKind::kPercent, Operator::kModulo, 4},
};

std::optional<Operator> BinaryAt(TokenKind token, int level) {
  for (const BinaryOperator& known : kBinaryOperators) {
    if (known.token == token && known.level == level) return known.op;
  }
  return std::nullopt;
}

// The operator that an English word was meant for; empty for other words.
std::string_view MeantOperator(std::string_view word) {
  std::string lower(word);
  for (char& letter : lower) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  if (lower == "and") return "&&";
  if (lower == "or") return "||";
  if (lower == "not") return "!";
  if (lower == "is") return "==";
  return {};
}

std::string Found(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end";
  return fmt::format("'{}'", token.spelling);
}

// Methods answer nullopt once *error is filled.
class Parser {
 public:
  Parser(const std::vector<Token>& tokens, SyntaxTree* tree, CompileError* error)
      : tokens_(tokens), tree_(tree), error_(error) {}

  bool ParseAll() {
    std::optional<SyntaxIndex> root = ParseExpression();
    if (!root.has_value()) return false;
    if (Peek().kind != TokenKind::kEnd) {
      FailExpected("an operator or the end");
      return false;
    }
    tree_->root = *root;
    return true;
  }

 private:
  using Parsed = std::optional<SyntaxIndex>;

  const Token& Peek() const { return tokens_[at_]; }
  const Token& Take() { return tokens_[at_++]; }
  bool TakeIf(TokenKind kind) {
    if (Peek().kind != kind) return false;
    ++at_;
    return true;
  }

  Parsed Fail(size_t offset, std::string message) {
    *error_ = {offset, std::move(message)};
    return std::nullopt;
  }

  // The error of meeting the next token where `expected` should stand.
  Parsed FailExpected(std::string_view expected) {
    const Token& previous = tokens_[at_ == 0 ? 0 : at_ - 1];
    for (const Token* token : {&Peek(), &previous}) {
      std::string_view meant = MeantOperator(token->spelling);
      if (!meant.empty()) {
        return Fail(token->offset, fmt::format("'{}' is not an operator; did you mean '{}'?",
                                               token->spelling, meant));
      }
    }
    if (Peek().kind == TokenKind::kReserved) {
      return Fail(Peek().offset,
                  fmt::format("'{}' is a reserved word and cannot be a name", Peek().spelling));
    }
    return Fail(Peek().offset, fmt::format("expected {}, found {}", expected, Found(Peek())));
  }

  static size_t EndOf(const Token& token) { return token.offset + token.spelling.size(); }

  // Adds a node that begins with the token `first` and ends with the last one taken.
  Parsed Add(Syntax node, size_t first) {
    node.begin = tokens_[first].offset;
    node.end = EndOf(tokens_[at_ - 1]);
    if (tree_->nodes.size() == limits::kExpressionNodesMax) {
      return Fail(node.offset, fmt::format("the expression has more than {} operands and operators",
                                           limits::kExpressionNodesMax));
    }
    tree_->nodes.push_back(std::move(node));
    return static_cast<SyntaxIndex>(tree_->nodes.size() - 1);
  }

  Parsed AddOperator(SyntaxKind kind, Operator op, size_t offset, std::vector<SyntaxIndex> children,
                     size_t first) {
    Syntax node;
    node.kind = kind;
    node.op = op;
    node.offset = offset;
    node.children = std::move(children);
    return Add(std::move(node), first);
  }

  // Of the last token taken.
  Parsed AddLiteral(const Token& token, Datum literal) {
    Syntax node;
    node.offset = token.offset;
    node.literal = literal;
    return Add(std::move(node), at_ - 1);
  }

  // Every nesting of the language passes here.
  Parsed ParseExpression() {
    if (depth_ == limits::kExpressionDepthMax) {
      return Fail(Peek().offset, fmt::format("the expression is nested more than {} levels deep",
                                             limits::kExpressionDepthMax));
    }
    ++depth_;
    Parsed parsed = ParseConditional();
    --depth_;
    return parsed;
  }

  Parsed ParseConditional() {
    const size_t first = at_;
    Parsed condition = ParseBinary(kLoosest);
    if (!condition.has_value() || Peek().kind != TokenKind::kQuestion) return condition;
    size_t offset = Take().offset;
    Parsed when_true = ParseBinary(kLoosest);
    if (!when_true.has_value()) return std::nullopt;
    if (Peek().kind == TokenKind::kQuestion) {
      return Fail(Peek().offset, "write parentheses round a ?: that stands between ? and :");
    }
    if (!TakeIf(TokenKind::kColon)) return FailExpected("':' and the other value of this ?:");
    Parsed when_false = ParseExpression();
    if (!when_false.has_value()) return std::nullopt;
    return AddOperator(SyntaxKind::kConditional, Operator::kNone, offset,
                       {*condition, *when_true, *when_false}, first);
  }

  Parsed ParseBinary(int level) {
    if (level > kTightest) return ParseUnary();
    const size_t first = at_;
    Parsed left = ParseBinary(level + 1);
    while (left.has_value()) {
      std::optional<Operator> op = BinaryAt(Peek().kind, level);
      if (!op.has_value()) return left;
      size_t offset = Take().offset;
      Parsed right = ParseBinary(level + 1);
      if (!right.has_value()) return std::nullopt;
      left = AddOperator(SyntaxKind::kBinary, *op, offset, {*left, *right}, first);
    }
    return left;
  }

  Parsed ParseUnary() {
    size_t first = at_;
    while (Peek().kind == TokenKind::kNot || Peek().kind == TokenKind::kMinus) ++at_;
    size_t operators_end = at_;
    // A minus right before a number belongs to it, so that the least int can be written.
    bool negative = operators_end > first && tokens_[operators_end - 1].kind == TokenKind::kMinus &&
                    (Peek().kind == TokenKind::kInt || Peek().kind == TokenKind::kDouble);
    Parsed operand = negative ? ParseNumber(true) : ParseMember();
    for (size_t i = operators_end - (negative ? 1 : 0); i > first && operand.has_value(); --i) {
      const Token& token = tokens_[i - 1];
      Operator op = token.kind == TokenKind::kNot ? Operator::kNot : Operator::kNegate;
      operand = AddOperator(SyntaxKind::kUnary, op, token.offset, {*operand}, i - 1);
    }
    return operand;
  }

  Parsed ParseNumber(bool negative) {
    const Token& token = Take();
    if (token.kind == TokenKind::kDouble) {
      Parsed literal = AddLiteral(token, Datum::Double(negative ? -token.number : token.number));
      if (!literal.has_value()) return literal;
      std::optional<Decimal>& exact = tree_->nodes[*literal].exact;
      exact = ReadDecimal(token.spelling);
      if (negative && exact.has_value()) exact->unscaled = -exact->unscaled;
      return literal;
    }
    uint64_t least_magnitude = uint64_t{1} << 63;
    if (!negative && token.magnitude == least_magnitude) {
      return Fail(token.offset,
                  fmt::format("{} does not fit in an int of 64 bits", token.spelling));
    }
    uint64_t bits = negative ? 0 - token.magnitude : token.magnitude;
    return AddLiteral(token, Datum::Int(static_cast<int64_t>(bits)));
  }

  Parsed ParseMember() {
    // A name in parentheses is a value, which grows no further parts.
    const size_t first = at_;
    bool is_name = Peek().kind == TokenKind::kName;
    Parsed member = ParsePrimary();
    while (member.has_value() && Peek().kind == TokenKind::kDot) {
      ++at_;
      const Token& name = Peek();
      if (name.kind != TokenKind::kName && name.kind != TokenKind::kReserved) {
        return FailExpected("a name after '.'");
      }
      ++at_;
      if (Peek().kind == TokenKind::kLeftParenthesis) {
        member = ParseCall(name, {*member}, first);
      } else {
        if (!is_name || !ExtendName(*member, name)) {
          return Fail(name.offset,
                      fmt::format("only names have parts; '.{}' follows a value", name.spelling));
        }
      }
    }
    if (member.has_value() && Peek().kind == TokenKind::kLeftBracket) {
      return Fail(Peek().offset, "values have no elements to index; lists are for 'in'");
    }
    return member;
  }

  bool ExtendName(SyntaxIndex index, const Token& part) {
    Syntax& node = tree_->nodes[index];
    if (node.kind != SyntaxKind::kName) return false;
    node.name += '.';
    node.name += part.spelling;
    node.end = EndOf(part);
    return true;
  }

  Parsed ParsePrimary() {
    const Token& token = Peek();
    switch (token.kind) {
      case TokenKind::kInt:
      case TokenKind::kDouble:
        return ParseNumber(false);
      case TokenKind::kString:
        tree_->texts.push_back(token.text);
        return AddLiteral(Take(), Datum::String(tree_->texts.back()));
      case TokenKind::kTrue:
      case TokenKind::kFalse:
        return AddLiteral(Take(), Datum::Bool(token.kind == TokenKind::kTrue));
      case TokenKind::kNull:
        return AddLiteral(Take(), Datum::Null());
      case TokenKind::kLeftParenthesis:
        return ParseParenthesised();
      case TokenKind::kLeftBracket:
        return ParseList();
      case TokenKind::kName:
        return ParseName();
      default:
        return FailExpected("a value or a name");
    }
  }

  Parsed ParseParenthesised() {
    ++at_;
    Parsed inside = ParseExpression();
    if (!inside.has_value()) return std::nullopt;
    if (!TakeIf(TokenKind::kRightParenthesis)) return FailExpected("an operator or ')'");
    return inside;
  }

  Parsed ParseList() {
    const size_t first = at_;
    Syntax node;
    node.kind = SyntaxKind::kList;
    node.offset = Take().offset;
    if (!ParseOperands(TokenKind::kRightBracket, "',' or ']'", &node.children)) return std::nullopt;
    return Add(std::move(node), first);
  }

  Parsed ParseName() {
    const size_t first = at_;
    const Token& token = Take();
    if (Peek().kind == TokenKind::kLeftParenthesis) return ParseCall(token, {}, first);
    Syntax node;
    node.kind = SyntaxKind::kName;
    node.offset = token.offset;
    node.name = token.spelling;
    return Add(std::move(node), first);
  }

  // `children` holds the receiver of a method, nothing for a function.
  Parsed ParseCall(const Token& name, std::vector<SyntaxIndex> children, size_t first) {
    Syntax node;
    node.kind = SyntaxKind::kCall;
    node.offset = name.offset;
    node.name = name.spelling;
    node.is_method = !children.empty();
    node.children = std::move(children);
    ++at_;
    if (!ParseOperands(TokenKind::kRightParenthesis, "',' or ')'", &node.children)) {
      return std::nullopt;
    }
    return Add(std::move(node), first);
  }

  // Expressions between commas up to `closing`.
  bool ParseOperands(TokenKind closing, std::string_view expected,
                     std::vector<SyntaxIndex>* operands) {
    if (TakeIf(closing)) return true;
    do {
      Parsed operand = ParseExpression();
      if (!operand.has_value()) return false;
      operands->push_back(*operand);
    } while (TakeIf(TokenKind::kComma));
    if (TakeIf(closing)) return true;
    FailExpected(expected);
    return false;
  }

  const std::vector<Token>& tokens_;
  SyntaxTree* tree_;
  CompileError* error_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

}  // namespace

std::string_view TypeWord(const Syntax& node) {
  constexpr std::string_view kWords[] = {"null", "bool", "int", "double", "string"};
  if (node.type == StaticType::kDecimal) return TypeName(Type::Decimal(node.scale));
  return kWords[static_cast<size_t>(node.type)];
}

std::string_view OperatorSpelling(Operator op) {
  if (op == Operator::kNot) return "!";
  if (op == Operator::kNegate) return "-";
  constexpr std::string_view kSpellings[] = {"||", "&&", "==", "!=", "<", "<=", ">",
                                             ">=", "in", "+",  "-",  "*", "/",  "%"};
  return kSpellings[static_cast<size_t>(op) - static_cast<size_t>(Operator::kOr)];
}

bool Parse(std::string_view text, SyntaxTree* tree, CompileError* error) {
  if (text.size() > limits::kExpressionBytesMax) {
    *error = {limits::kExpressionBytesMax,
              fmt::format("the expression is longer than {} bytes", limits::kExpressionBytesMax)};
    return false;
  }
  std::vector<Token> tokens;
  if (!Tokenize(text, &tokens, error)) return false;
  return Parser(tokens, tree, error).ParseAll();
}

}  // namespace freshet::expr
